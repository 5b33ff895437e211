import test from "ava";
import { wordsOf } from "./conversation.ts";
import { prevailingLanguage, type Language } from "./prevailing.ts";

const german = "Der Build schlägt fehl, weil das Modul nicht gefunden wird. Kannst du mal schauen?";
const english = "The build fails because the module cannot be found. Can you have a look at it?";

const cases: readonly [language: Language | null, texts: readonly string[]][] = [
  ["english", ["fix lint"]],
  ["english", ["make it shorter"]],
  [
    "english",
    [
      "Blog post about our new caching layer. Readers: experienced devs from other companies. First person plural, dry humour, British spelling. About 800 words.",
    ],
  ],
  ["german", [german]],
  ["german", ["mach das bitte kürzer"]],
  ["german", ["Fuer die Tabelle waere eine Ueberschrift schoen, und zwar ueber der ersten Spalte."]],
  [
    "german",
    [
      "Refactor mal den UserService: dependency injection statt singleton, und der retry handler soll ins shared package. Unit tests bitte mit coverage report.",
    ],
  ],
  ["german", [german, english, "Und warum nicht? Das ist doch installiert."]],
  [
    "english",
    [
      english,
      "Der Fehler: Modul nicht gefunden.",
      "It is the same on my machine, so I do not know what to do.",
    ],
  ],
  ["french", ["raccourcis-le s'il te plaît"]],
  ["french", ["Le build échoue parce que le module est introuvable. Tu peux regarder ce qui ne va pas ?"]],
  [
    "french",
    [
      "Fais un refactoring du UserService avec dependency injection, et mets le retry handler dans le package shared.",
    ],
  ],
  ["spanish", ["hazlo más corto por favor"]],
  ["spanish", ["El build falla porque no se encuentra el módulo. ¿Puedes mirar qué pasa?"]],
  [
    "spanish",
    ["el build falla xq no encuentra el modulo, puedes mirar que pasa con los imports del package shared?"],
  ],
  [
    null,
    ["Il build fallisce perché il modulo non viene trovato. Puoi dare un'occhiata a quello che succede?"],
  ],
  [null, ["puoi farlo più corto?"]],
  [null, ["O build falha porque o módulo não foi encontrado. Você pode ver o que está acontecendo?"]],
  [null, ["De build mislukt omdat de module niet gevonden wordt. Kun je even kijken wat er aan de hand is?"]],
  [null, ["kun je het korter maken?"]],
  [null, ["Bygget misslyckas för att modulen inte hittas. Kan du titta på vad det är som händer?"]],
  [null, ["Buildet fejler, fordi modulet ikke bliver fundet. Kan du se på, hvad der er galt?"]],
  [null, ["Bygget feiler fordi modulen ikke blir funnet. Kan du se på hva som er galt med det?"]],
  [
    null,
    ["Build się nie udaje, bo nie można znaleźć modułu. Czy możesz zobaczyć, co to jest i jak to naprawić?"],
  ],
  [
    null,
    ["Build selže, protože modul nebyl nalezen. Můžeš se prosím podívat, co je s tím a jak to opravit?"],
  ],
  [null, ["El build falla perquè no es troba el mòdul. Pots mirar què passa amb els imports, si us plau?"]],
  [null, ["Build-ul eșuează pentru că modulul nu este găsit. Poți să te uiți ce se întâmplă cu el?"]],
  [
    null,
    [
      "Modül bulunamadığı için derleme başarısız oluyor. Neler olduğuna bir bakar mısın, nasıl düzeltebilirim acaba bunu?",
    ],
  ],
  [
    null,
    [
      "Käännös epäonnistuu, koska moduulia ei löydy. Voitko katsoa, mistä tässä on kyse ja miten se korjataan nopeasti?",
    ],
  ],
  [
    null,
    [
      "A fordítás meghiúsul, mert a modul nem található. Meg tudnád nézni, hogy mi történik itt és hogyan javítsam ki?",
    ],
  ],
  [
    null,
    [
      "Build gagal karena modul tidak ditemukan. Bisa tolong lihat apa yang terjadi dan bagaimana cara memperbaikinya sekarang juga?",
    ],
  ],
  [null, ["Сборка падает, потому что модуль не найден."]],
  [null, ["ビルドが失敗します。モジュールが見つかりません。"]],
  [null, ["构建失败，找不到模块。请看一下 UserService"]],
  [null, ["빌드가 실패합니다. 모듈을 찾을 수 없습니다."]],
  [null, ["فشل البناء لأن الوحدة غير موجودة"]],
];
for (const [language, texts] of cases) {
  test(`${JSON.stringify(texts.map((text) => text.slice(0, 60)))} is ${language ?? "in no language with rules"}`, (t) => {
    t.is(prevailingLanguage(texts.map(wordsOf)), language);
  });
}

test("nothing said is English, as it says nothing else", (t) => {
  t.is(prevailingLanguage([]), "english");
  t.is(prevailingLanguage(["404 500"]), "english");
});
