import type { LanguageRules } from "./language.ts";

/* Umlauts come without their dots, or as people write who have none: `fue?r` is für, fur and fuer. */
const number = String.raw`(?:zwei|drei|vier|fue?nf|sechs|sieben|acht|neun|zehn|\d{1,9})`;
const word = String.raw`[\w'-]{1,40},?`;
const layout = String.raw`(?:json|csv|yaml|xml|markdown|html|tabelle|liste|aufzae?hlung|stichpunkten?|stichworten?|spalten|abschnitten?|kalender|fliesstext|einzeiler|checkliste)`;
const unit = String.raw`(?:sae?tzen?|stichpunkten?|punkten?|absae?tzen?|spalten|woe?rtern?|worten?|zeilen|zeichen|seiten|folien|abschnitten?|ue?berschriften)`;
const people = String.raw`(?:entwickler(?:innen|n|in)?|kolleg(?:en|innen|in|e)|kund(?:en|innen|in|e)|nutzer(?:innen|n|in)?|anwender(?:innen|n)?|chef(?:in|s)?|vorstand|geschae?ftsfue?hrung|vertrieb|buchhaltung|mitarbeit(?:er|ern|erinnen|enden?)|team|support(?:team)?|manager(?:innen|n)?|investor(?:en|innen)|studierenden?|student(?:en|innen|in)|schue?ler(?:n|innen)?|kind(?:er|ern)?|eltern|patient(?:en|innen)|anfae?nger(?:n|innen)?|einsteiger(?:n|innen)?|laien|neulingen?|journalist(?:en|innen)|bewerber(?:n|innen)?|ae?rzten?|pflegekrae?ften?|pflegepersonal|anwae?lten?|leitung|management|betriebsrat|oe?ffentlichkeit|bue?rger(?:n|innen)?|lieferanten|partnern?|fachleuten?|leuten?|presse|publikum)`;
const change = String.raw`(?:kue?rzen|ergae?nzen|entfernen|loe?schen|ae?ndern|anpassen|umbenennen|ersetzen|hinzufue?gen|vereinfachen|rausnehmen|weglassen|umformulieren|austauschen|sortieren|verschieben|umschreiben|zusammenfassen|aufteilen)`;
const more = String.raw`(?:kue?rzer|lae?nger|einfacher|wae?rmer|schneller|kleiner|groe?sser|klarer|freundlicher|strenger|weicher|konkreter|genauer|knapper|ausfue?hrlicher|deutlicher|sachlicher|lockerer|lesbarer|ue?bersichtlicher)`;

export const german: LanguageRules = {
  functionWords:
    "der die das ein eine einen einem einer und oder aber nicht ist sind war mit von zu zum zur im in am an auf aus bei fur fuer wie was wer wo wann warum " +
    "wenn dass als auch noch nur schon mal bitte ich du er sie es wir ihr mich mir dich dir uns mein dein unser unsere kein keine keinen den dem des so dann da " +
    "nichts hat habe haben hast wird werden kann kannst soll sollte muss doch sich nach vor uber ueber bis man hier jetzt danke immer welche",
  patterns: {
    iterates_and_refines: [
      String.raw`\b(?:stattdessen|anstatt|statt (?:de[rsm]|eine[rsm])|lieber|immer noch|noch nicht ganz|nicht ganz)\b`,
      String.raw`\bzu (?:lang|kurz|viel|viele|wenig|gross|klein|langsam|kompliziert|technisch|foe?rmlich|formell|steif|allgemein|ungenau|knapp|ausfue?hrlich|breit|schmal|hart|weich|trocken|locker)\b`,
      String.raw`\b(?:etwas|noch|viel|deutlich|bitte|ein bisschen|ein wenig) ${more}\b|\b(?:weniger|mehr) (?:details?|text|beispiele|fachbegriffe|abstand)\b`,
      String.raw`\bmach(?:e|en sie|st du)? (?:${word} ){0,5}?${more}\b`,
      String.raw`(?:^|[.,;:!?] |\b(?:und|aber|dann|auch|bitte|jetzt|kannst du|koe?nntest du) )(?:fue?ge?|erg(?:ae?)nze?|entferne?|loe?sche?|wirf|streiche?|nimm|verschiebe?|setze?|sortiere?|benenne?|ersetze?|tausche?|verwende?|benutze?|behalte?|erweitere?|formuliere?|reduziere?|erhoe?he?|vereinfache?|korrigiere?|aktualisiere?|begrenze?|erwae?hne?|drehe?|teile?|fasse?)\b`,
      String.raw`(?:^|[.,;:!?] |\b(?:und|bitte|dann) )(?:mach(?:e|en sie)?|ae?ndere?|kue?rze?|passe?|fixe?|schreibe?) (?:das|den|die|es|ihn|sie|daraus|auch)\b(?! (?:so weiter|weiter))`,
      String.raw`\blass(?:e|en sie)? [^.!?]{0,50}\b(?:weg|raus)\b|\b${change}(?:[.!,]|$)`,
      String.raw`\b(?:soll|sollte|muss|darf|mue?sste)(?:n|st|t)? (?:${word} ){1,6}?(?:sein|werden|bleiben|stehen|heissen)\b`,
      String.raw`\b(?:etwas|ein bisschen|ein wenig|viel|deutlich) \w{3,20}er\b|\bviel zu \w{3}|\b(?:kann|koe?nnen|soll|muss) (?:noch |auch )?(?:weg|raus)\b|(?:^|[.,;:!?] |\bund )\w{4,15} (?:ihn|sie|es|das) (?:um|auf) [^ ]`,
      String.raw`\bwae?re (?:\w{1,20} )?(?:besser|schoe?ner|klarer|lieber|passender)\b|\b(?:kannst|koe?nntest) du (?:das|den|die|es|ihn|sie) (?:\w{1,20} )?(?:straffen|kue?rzen|ae?ndern|glae?tten|anpassen|umstellen|aufrae?umen|vereinfachen)\b|\b(?:zieht sich|passt (?:so |noch )?nicht|liest sich)\b`,
    ],
    provides_examples: [
      String.raw`\b(?:z\. ?b\.|zb\b|zum beispiel|bspw\b|beispielsweise|beispiele?:|etwa so:|nach dem (?:muster|vorbild)|analog zu|ae?hnlich wie|in der art von|genauso wie|genau wie)`,
      String.raw`\borientier(?:e|en sie)? dich (?:dabei )?an\b|\bso wie (?:in|im|bei|beim|das|der|die|wir)\b`,
      String.raw`\bwie (?:in|im|bei) (?:der |dem )?["\x60]?[\w/-]{1,60}\.\w{1,4}\b|\bwie (?:das|der|die|den|dem) (?:vorhandenen?|bestehenden?|anderen|letzten?)\b`,
      String.raw`\b(?:gleiche[nrms]?|selbe[nrm]?|derselben|demselben) (?:stil|aufbau|struktur|form|art|schema) (?:wie|von)\b|\bals (?:vorlage|vorbild|muster|beispiel|referenz)\b`,
      String.raw`\bso (?:soll|sollte) (?:es|das|er|sie|ein \w{1,40}|eine \w{1,40}) (?:auch |dann |am ende )?(?:aussehen|sein|klingen)\b|\b(?:sieht|sehen|aussehen) (?:etwa |ungefae?hr )?so(?: aus)?:`,
      String.raw`\bhier (?:ist|sind|hast du) (?:ein|zwei|drei|ein paar|einige) (?:\w{1,40} )?(?:beispiele?|muster)\b|\b(?:erwartete|gewue?nschte) (?:ausgabe|eingabe|ergebnis)\b`,
      String.raw`"[^"]{1,80}" (?:->|=>|wird zu|soll) `,
      String.raw`\b(?:mach|bau|schreib|lae?s)e? (?:es|das|sie|ihn) (?:genau ?)?(?:so )?wie (?:bei|in|im|fue?r)\b|\bwie wir (?:es|das) (?:bei|in|schon)\b`,
    ],
    specifies_format: [
      String.raw`\b(?:als|in|in form) (?:eine[rmsn]? |ein |gue?ltiges |reines |${number} )?(?:(?!der\b|die\b|das\b|den\b|dem\b|unsere|meine|diese)${word} ){0,2}${layout}\b`,
      String.raw`\b(?:nur|ausschliesslich|lediglich) (?:mit |als |in )?(?:das |den |die |einem? )?(?:json|csv|yaml|xml|markdown|html|sql|code|regex|ergebnis|ja oder nein|liste|tabelle)\b`,
      String.raw`(?<!\bnoch |\bimmer noch )\b${number} (?:(?:kurzen?|knappen?) )?${unit}\b(?! code)`,
      String.raw`\b(?:je|pro punkt|jeweils) (?:eine|ein|einen) (?:zeile|satz|absatz)\b|\b(?:hoe?chstens|maximal|max\.?|nicht mehr als) (?:${number}|eine?n?) (?:\w{1,40} )?(?:seite|satz|absatz|zeile|${unit})\b`,
      String.raw`\bmit (?:den |folgenden )?(?:spalten|abschnitten|ue?berschriften|feldern|schlue?sseln)\b|\b(?:ue?berschriften|stichpunkte)(?:,| und| plus)|\bformat:`,
      String.raw`\bin einem (?:satz|absatz)\b|\bin einer (?:tabelle|liste|zeile)\b`,
      String.raw`\b(?:hoe?chstens|maximal|bis zu) ${number}\b|\bauf (?:einer|einer halben|${number}) seiten?\b|\b(?:brauche|gib mir|mach mir|schreib) (?:${word} )?stichpunkte\b`,
      String.raw`\b(?:pro|je|fue?r jede[nrs]?) \w{1,30} (?:eine|einen|ein) (?:zeile|satz|absatz|spalte|stichpunkt)\b`,
    ],
    sets_interaction_mode: [
      String.raw`\b(?:frage? mich|frage? (?:erst|zuerst|vorher|lieber) |stelle? mir (?:erst |zuerst |vorher |immer )?(?:nur )?(?:eine |ein paar |deine )?fragen?|(?:immer )?nur eine (?:frage|datei|sache)\b|eine (?:frage )?(?:auf einmal|nach der anderen)|schritt fue?r schritt|einen? schritt nach dem anderen)`,
      String.raw`\bwarte? (?:auf (?:meine?|mich|mein)|dann|bis ich|jeweils|jedes mal)\b|\bbevor du (?:${word} ){0,5}?(?:schreibst|ae?nderst|anfasst|anfae?ngst|loslegst|weitermachst|beginnst|umsetzt|implementierst|machst)\b`,
      String.raw`\b(?:schreibe?|ae?ndere?|fasse?|mache?|loe?se?|fue?hre?|gib|committe?|loe?sche?|baue?) (?:${word} ){0,3}?(?:keinen? (?:code|dateien?|loe?sung)|(?:noch|erstmal|selbst) nichts|noch nichts?|nichts (?:selbst|an|aus))\b`,
      String.raw`\bdu bist (?:der|die|ein|eine|mein|meine) (?!meinung|ansicht)\w|\bspiele? (?:den|die|des|einen|eine) \w|\badvocatus diaboli\b|\bab jetzt\b|\bvon jetzt an\b|\bab sofort\b`,
      String.raw`\b(?:widersprich mir|denke? laut|fordere mich heraus|interviewe? mich|frage? mich ab|korrigiere? mich|sei (?:ruhig )?(?:kritisch|streng|ehrlich|schonungslos))\b`,
      String.raw`\bsage? (?:mir )?(?:ehrlich |bitte |sofort )?(?:bescheid|wenn du|falls du|wenn ich|falls ich|wenn etwas|falls etwas)\b|\b(?:nur|lediglich) (?:hinweise|tipps|fragen)\b`,
      String.raw`\bnicht vorgreifen\b|\b(?:verrate?|gib|sage?|zeige?) mir (?:bitte )?(?:noch )?(?:nicht|keine) (?:die |gleich )?(?:ganze |fertige |komplette )?(?:loe?sung|antwort)\b|\berst(?:mal)? (?:reden|besprechen|klae?ren|schauen) wir\b|\bschubs\b`,
      String.raw`\bdu (?:kommentierst|schaust|hoe?rst|fragst|antwortest) (?:nur|blo(?:ss|s)|lediglich)\b|\b(?:unterbrich|stopp|warn)e? mich,? (?:wenn|falls|bevor|sobald)\b|\bbevor (?:irgend ?)?(?:was|etwas) (?:geae?ndert|geschrieben|gemacht|angefasst) wird\b`,
    ],
    states_tone_and_style: [
      String.raw`\b(?:formell(?:er|es|e)?|informell|freundlich(?:er|e|es)?|hoe?flich(?:er|e)?|locker(?:er|em|e)?|sachlich(?:er|e)?|verspielt(?:em|er|e)?|humorvoll|ironisch|augenzwinkernd|diplomatisch|serioe?s|herzlich|nue?chtern(?:er)?|ue?berzeugend|umgangssprachlich|werblich|sie-form|du-form|ich-form|wir-form|per (?:du|sie)|(?:leichte|einfache)r? sprache)\b`,
      String.raw`\b(?:tonfall|tonalitae?t|wortwahl|schreibstil|sprachstil|hausstil|styleguide|(?:namens|code)?konventionen)\b|\b(?:im|in|mit) (?:[\w-]{1,30} ){0,2}(?:stil|ton)\b(?! (?:der|des|von) )`,
      String.raw`\b(?:keine?|ohne) (?:\w{1,30} )?(?:fachbegriffe|fremdwoe?rter|floskeln|ausrufezeichen|anglizismen|emojis?|abkue?rzungen|buzzwords|fachsprache|marketingsprache)\b|\bkurze sae?tze\b`,
      String.raw`\b(?:klingt|klingen|wirkt|weniger|zu|etwas|nicht so|aber nicht) (?:\w{1,30} )?(?:steif|trocken|hart|streng|ernst|professionell|anbiedernd|kalt|gestelzt)\b`,
      String.raw`\bneutral(?:er|en|e)?\b|\bin (?:einfachen|klaren|schlichten) worten\b|\bnichts (?:juristisches|technisches|foe?rmliches|werbliches)\b`,
      String.raw`\b(?:sprache|wortwahl|formulierung|text) (?:\w{1,20} ){0,2}?(?:leicht|einfach|locker|frech|ernst|schlicht|trocken|knapp)\b|\bunterwue?rfig\b|\bin der gegenwart\b`,
    ],
    defines_audience: [
      String.raw`\b(?:zielgruppe|adressaten|leser(?:innen)? (?:sind|kennen|haben)|richtet sich an|gerichtet an)\b|\bunsere (?:kunden|leser|nutzer) sind\b`,
      String.raw`\b(?:schreib|erklae?r|formulier|entwirf|mail|e-mail|brief|anleitung|seite|rede|text|beitrag|prae?sentation|folie|ankue?ndigung|nachricht|erinnerung|zusammenfassung|absage|bericht|dokumentation)(?:en sie|en|e|st|ung|s)?\b[^.!?]{0,60}?\b(?:fue?r|an) (?:(?:alle|die|den|das|der|unsere[nr]?|meine[nr]?|eine[nrm]?|neue[nr]?) ){0,3}(?:${word} ){0,2}?${people}\b(?!-)`,
      String.raw`\b(?:meine[mrn]|unsere[mrn]|de[mrn]) (?:${word} )?${people}\b[^.!?]{0,40}\b(?:schreiben|erklae?ren|sagen|vorstellen|mitteilen|beibringen|prae?sentieren|zeigen)\b`,
      String.raw`\b(?:ein|eine|mein|meine|unser|unsere|jede[rs]?) (?:${word} ){1,3}?(?:es |das |ihn |sie )?verste(?:ht|hen)\b|\bdie (?:\w{1,20} ){0,2}noch nie\b`,
      String.raw`\bals (?:wae?re? ich|ob ich) (?:ein|eine|fue?nf|zehn)\b|\bohne (?:(?:technische|juristische|medizinische)[ns]? )?(?:vorkenntnisse|vorwissen|fachwissen)\b`,
      String.raw`\b(?:stichpunkte|artikel|wiki-artikel|protokoll|zusammenfassung|erklae?rung|antwort|tutorial|readme)\b[^.!?]{0,60}?\bfue?r (?:(?:den|die|das|alle|unsere[nr]?) ){0,2}(?:${word} ){0,2}?${people}\b(?!-)|\berklae?re? ich (?:es |das )?(?:ihr|ihm|ihnen|meine[mrn])\b`,
      String.raw`\b(?:besucher|leser|nutzer|kunden|zuhoe?rer|empfae?nger|teilnehmer)(?:innen)? sind (?:meist|meistens|vor allem|hauptsae?chlich|alle)\b`,
    ],
    clarifies_goal: [
      String.raw`\bziel (?:ist|dabei|wae?re|davon)\b|\bziel:|\bzweck (?:ist|dabei|davon)\b|\bgeht (?:mir|uns|es) (?:dabei )?darum\b`,
      String.raw`\bdamit (?:die|der|das|den|wir|ich|unsere?[nrm]?|alle|man|sie|er|jede[rs]?|niemand|keine?r?|beim|im|am|bis)\b`,
      String.raw`\bum (?:${word} ){1,8}?zu \w{3}`,
      String.raw`\b(?:ich|wir) (?:versuchen?|planen?|bereiten?|bauen?) (?:gerade|mich|uns|eine?n?|das|den|die|unsere?n?)\b`,
      String.raw`\b(?:ich|wir) (?:will|wollen|moe?chten?|muss|mue?ssen) (?:${word} ){0,8}?(?:vorbereiten|vorstellen|ue?berzeugen|prae?sentieren|ue?ben|entscheiden|loswerden|vermeiden|zeigen|beweisen)\b`,
      String.raw`\b(?:ich|wir) (?:brauchen?|suchen?|will|wollen)\b[^.!?]{0,60}\b(?:weil|denn)\b`,
      String.raw`\bgrund (?:ist|sind|dafue?r|war)\b|\bhauptsache\b`,
      String.raw`\b(?:ich|wir) (?:moe?chten?|wue?rden?|will|wollen) (?:das|es|sie|die \w{1,30}|den \w{1,30}) (?:${word} ){0,5}?(?:drue?cken|senken|verkue?rzen|vermeiden|beschleunigen|reduzieren|erreichen|loswerden|halbieren)\b`,
    ],
    consults_on_approach: [
      String.raw`\bwie wue?rde(?:st|t|n) (?:du|ihr|sie) (?:${word} ){0,8}?(?:vorgehen|angehen|aufbauen|strukturieren|loe?sen|machen|umsetzen|aufteilen|anfangen)\b`,
      String.raw`\bwie (?:sollten?|soll|sollen|gehen?|fangen?|bauen?) (?:ich|wir|man) (?:${word} ){0,8}?(?:vor|an|am besten|aufbauen|strukturieren|anfangen|vorgehen|modellieren|auf)\b`,
      String.raw`\bwelche (?:\w{1,30} )?(?:moe?glichkeiten|optionen|alternativen|varianten|ansae?tze|wege)\b|\bin welcher reihenfolge\b|\bwo (?:sollte|soll|fange|wue?rdest) (?:ich|wir|du) (?:am besten )?an(?:fangen)?\b`,
      String.raw`\bwas (?:wae?re|ist|spricht|sprae?che) (?:${word} ){0,8}?(?:besser|am besten|sinnvoll|sinnvoller|am sinnvollsten|wofue?r|dafue?r|dagegen|der beste weg)(?:\b|,)`,
      String.raw`\bvor- ?(?:und|oder) nachteile\b|\bpro und contra\b|\bfue?r und wider\b|\babwae?gen\b`,
      String.raw`\b(?:schlage?|mache?|gib|zeige?|skizziere?|entwirf|nenne?) (?:mir |uns )?(?:erst |zuerst |mal )?(?:einen|zwei|drei|ein paar|mehrere|deinen) (?:\w{1,30} )?(?:plan|ansatz|ansae?tze|vorgehen|moe?glichkeiten|varianten|alternativen|wege|optionen)\b`,
      String.raw`\bsoll(?:en|te|ten)? (?:ich|wir) (?:das |es )?(?:lieber|besser|eher)\b|\bwas wue?rdest du (?:${word} ){0,3}?(?:nehmen|empfehlen|wae?hlen|vorschlagen|tun)\b|\bwelche[nrs]? (?:\w{1,30} )?wue?rdest du\b`,
      String.raw`\bsinnvolle[srn]? (?:vorgehen|reihenfolge|weg|ansatz|aufteilung)\b|\bwelche risiken\b`,
      String.raw`\b(?:groben?|kurzen?|ersten?) plan\b|\bunsicher,? (?:was|ob|wie|welche[srn]?)\b|\boder (?:lieber |doch |eher |nur |besser )(?:${word} ){1,5}?\w{1,30}\?`,
    ],
    identifies_missing_context: [
      String.raw`\bdu (?:kennst|siehst) (?:${word} ){0,5}?(?:nicht|nie|keinen?)\b|\bdu (?:weisst|hast) (?:${word} ){0,4}?(?:nicht|nie|keinen?)(?:,| (?:${word} ){0,3}?(?:gesehen|zugriff|zugang|gelesen|einblick)\b)`,
      String.raw`\b(?:kannst|konntest) du (?:${word} ){0,5}?nicht (?:wissen|sehen|kennen|ahnen)\b|\bdu (?:kannst|konntest) (?:${word} ){0,5}?nicht (?:wissen|sehen|kennen|ahnen)\b|\bwas du nicht (?:wissen|sehen|weisst|siehst|kennst)\b`,
      String.raw`\bwelche (?:\w{1,30} )?(?:informationen|infos|angaben|daten|details) (?:${word} ){0,6}?(?:brauchst|benoe?tigst|fehlen)\b|\bwas (?:brauchst|benoe?tigst) du (?:noch|von mir|dafue?r|dazu)\b|\b(?:was|etwas|falls) (?:${word} )?fehlt dir\b|\bfehlt dir (?:noch )?(?:etwas|was|eine)\b`,
      String.raw`\bhabe? ich (?:dir )?(?:${word} ){0,4}?(?:vergessen|nicht erwae?hnt|nicht gesagt|nicht gegeben|nicht gezeigt|nicht geschickt)\b`,
      String.raw`\bdu (?:ue?bersiehst|vergisst|rae?tst|hast (?:${word} ){0,4}?(?:ue?bersehen|vergessen))\b|\b(?:zum )?kontext:|\bzum hintergrund\b`,
      String.raw`\bvergessen,? zu (?:sagen|erwae?hnen|schreiben)\b|\bhae?tte (?:ich )?(?:dazu ?)?(?:sagen|erwae?hnen|schreiben) sollen\b`,
      String.raw`\b(?:hatte|hab|habe|hatten) (?:ich |wir )?(?:dir |noch |das ){0,2}(?:nicht|nie) (?:gesagt|erwae?hnt|geschrieben)\b`,
    ],
    questions_reasoning: [
      String.raw`\bwie kommst du (?:darauf|denn|zu|auf|da)\b|\b(?:warum|wieso|weshalb) (?:sollten?|glaubst|meinst|denkst|nimmst|gehst|hast) \w|\bwoher kommt? (?:die|der|das) \w`,
      String.raw`\b(?:ergibt|macht) (?:${word} ){0,3}?keinen sinn\b|\bdas kann (?:${word} ){0,3}?nicht (?:sein|stimmen)\b|\bdas stimmt (?:so |doch |aber )?nicht\b|\bpasst (?:${word} ){0,3}?nicht (?:zusammen|zu)\b`,
      String.raw`\bue?berzeugt mich (?:noch |aber )?nicht\b|\bleuchtet mir (?:noch )?nicht ein\b|\bwiderspr(?:uch|ue?chlich|ichst|icht)|\bzirkelschluss\b|\bfolgt (?:daraus |doch )?nicht\b|\b(?:ich bezweifle|bezweifle ich|glaube ich (?:dir )?nicht|sehe ich anders)\b`,
      String.raw`\bdeine (?:begrue?ndung|argumentation|logik|schlussfolgerung|rechnung)\b|\b(?:auch|reiner?) zufall\b`,
      String.raw`\b(?:kann|koe?nnen) (?:${word} ){0,3}?(?:nicht|keinen?) (?:${word} ){0,6}?erklae?ren\b|\berklae?rt (?:${word} ){0,3}?nicht\b`,
      String.raw`\b(?:aber|doch) [^.!?]{3,60}\b(?:doch|ja) (?:gar )?(?:nicht|kein|auch)\b|\b(?:wue?rden?|kann|koe?nnen) (?:${word} ){0,3}?(?:ja |doch )(?:gar )?nicht\b`,
    ],
    checks_facts: [
      String.raw`\bbist du (?:dir )?(?:da |dabei )?(?:ganz |wirklich )?sicher\b|\bstimmt das\b|\bist das (?:wirklich|tatsae?chlich|auch) (?:wahr|richtig|korrekt|so)\b`,
      String.raw`\b(?:hast du|gibt es|was ist|nenne?|zeige?|gib) (?:${word} ){0,4}?(?:quellen?|beleg|nachweis|link)\b|(?:^|[.?!] )quellen?\?|\bwo (?:genau )?steht das\b|\bwo hast du das (?:her|gefunden|gelesen)\b|\bwoher (?:hast|weisst) du das\b`,
      String.raw`\b(?:prue?fe?|ue?berprue?fe?|rechne|kontrolliere?|schaue?|checke?|lies|sieh) (?:${word} ){0,6}?(?:nochmals?|noch ?mal|noch einmal|nach|gegen)\b|\b(?:nachrechnen|nachprue?fen|gegenprue?fen|verifizier(?:e|en)?)\b`,
      String.raw`\b(?:beweise?n?|belege?n?)\b|\bhast du (?:das|es|die tests|den code) (?:${word} ){0,3}?(?:getestet|ausgefue?hrt|geprue?ft|probiert|laufen lassen)\b|\bprobiere? (?:das|es) (?:${word} ){0,2}?aus\b`,
      String.raw`\bgibt es (?:das|die|den) (?:${word} ){0,3}?(?:wirklich|ue?berhaupt)\b|\bzeige? (?:mir )?(?:die |den |das )?(?:ausgabe|logs?|ergebnis|output)\b`,
      String.raw`\bwoher (?:stammt|stammen|kommt|kommen) (?:die|diese|das) (?:zahl|zahlen|angaben?|infos?|aussage)\b|\bschlage? (?:es|das) (?:bitte )?nach\b|\b(?:nachsehen|nachschlagen|nachschauen)\b|\bda (?:habe|hab) ich (?:so meine |meine )?zweifel\b`,
      String.raw`\bin welche[mr] (?:artikel|paragra(?:f|ph)|kapitel|abschnitt|studie|gesetz)\b|\bnenne? mir (?:eine|einen|ein) (?:davon|beispielsweise|quelle)\b`,
    ],
  },
};
