/**
 * Function words of languages without rules, folded like every text. They are known so that none of them is taken for a
 * neighbour of which it shares the small words: Portuguese for Spanish, Dutch for German, Polish for English.
 */
export const otherLanguages: Readonly<Record<string, string>> = {
  Catalan:
    "el la els les un una de del i o pero no es son amb per sobre en al que qui quan com on perque si jo tu ell ella em et es ens aquest aquesta aixo mes molt tambe hi ha he has pot pots fer sense ja ara nomes fins des aqui meu meva nostre",
  Czech:
    "a i v ve na se s z do o k je to ze za po pro od pri ale jak jako co kdy kde proc ktery ktera ja ty on my vy mi me jsem jsi jsou byl by tak uz jen nebo neni prosim",
  Danish:
    "og i er det den en et at pa til af for med som der de jeg du han vi ikke har kan skal vil men om hvad hvor hvorfor nar sa fra ved mig dig min din vores gerne ogsa kun eller bare tak",
  Dutch:
    "de het een en van in is op te dat die voor met niet zijn er aan ook als maar om uit bij naar dan nog wel geen ik je jij hij wij we ze mijn jouw ons onze wat wie waar waarom hoe wanneer kan kun moet wil hebben heeft heb worden wordt dit deze door graag alleen",
  Finnish:
    "ja on ei se en han ne mina sina me te tama tuo joka mika mita missa miksi miten kun jos niin mutta tai vain jo myos kanssa voi voit voitko olla oli ovat siina tassa kuin sen minun sinun kiitos",
  Hungarian:
    "a az es egy nem hogy is de ha van volt lesz mert csak mar meg mint vagy mi ki ez ezt azt en te o mit hol miert hogyan mikor kell lehet itt ott szia kerlek koszonom ne nincs tudnad",
  Indonesian:
    "yang dan di ke dari untuk dengan ini itu tidak bisa ada akan karena saya kamu anda kita kami apa bagaimana mengapa kenapa kapan juga sudah atau pada dalam tolong agar sekarang hanya lebih",
  Italian:
    "il lo la i gli le un uno una di del della dei e o ma non e sono era con per su in al alla che chi quale quando come dove perche se io tu lui lei noi mi ti si ci mio tuo suo nostro questo questa quello piu meno molto anche ancora allora tutto ha ho hai puoi puo fare senza gia ora solo grazie nel nella",
  Norwegian:
    "og i er det den en et at pa til av for med som der de jeg du han vi ikke har kan skal vil men om hva hvor hvorfor nar sa fra ved meg deg min din vare gjerne ogsa bare eller takk",
  Polish:
    "i w na z do to nie sie jest ze o jak co po za od dla przez czy ale tak juz tylko ja ty on my wy mi mnie ten ta te tego ktory ktora gdy gdzie dlaczego moze byc sa prosze lub oraz bez",
  Portuguese:
    "o a os as um uma de do da dos das e ou mas nao com para por sobre em no na nos nas ao que quem qual quando como onde porque se eu tu ele ela nos voce me te meu minha seu sua nosso este esta isso mais menos muito tambem ainda entao tudo ha tem pode fazer ser sem ja obrigado agora so ate aqui",
  Romanian:
    "si in la de pe cu din este sunt nu un o sa ca care ce cand cum unde pentru dar sau mai foarte eu tu el noi voi imi mi ma te se lui meu tau nostru acest aceasta fara doar poti poate fi am ai are",
  Swedish:
    "och i ar det den en ett att pa till av for med som de jag du han vi inte har kan ska vill men om vad var varfor nar sa fran vid mig dig min din var garna ocksa bara eller tack",
  Turkish:
    "ve bir bu su da de icin ile ne mi mu ama veya gibi daha cok var yok ben sen biz siz onu bunu bana sana nasil neden niye nerede degil olarak olan once sonra her sey lutfen kadar oluyor olsun",
};
