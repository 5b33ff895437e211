import type { LanguageRules } from "./language.ts";

/* Accents are taken off, as many people leave them out: `ecris` is écris. */
const number = String.raw`(?:deux|trois|quatre|cinq|six|sept|huit|neuf|dix|\d{1,9})`;
const word = String.raw`[\w'-]{1,40},?`;
const layout = String.raw`(?:json|csv|yaml|xml|markdown|html|tableau|liste|puces|colonnes|sections|titres|calendrier|checklist)`;
const unit = String.raw`(?:phrases?|puces|points|paragraphes?|colonnes|mots|lignes|caracteres|pages?|diapos?|diapositives|sections|titres)`;
const people = String.raw`(?:developpeu(?:rs?|ses?)|ingenieurs?|clients?|clientes|utilisat(?:eurs?|rices)|collegues?|chefs?|cheffe|patron(?:ne)?|direction|commerciaux|equipe|manageurs?|managers?|responsables?|salaries|employes|investisseurs|etudiant(?:e?s)?|eleves?|enfants?|parents|patients?|debutants?|novices|nouveaux|nouvelles|journalistes?|candidats?|medecins?|infirmi(?:ers?|eres?)|avocats?|juristes|public|citoyens|fournisseurs?|partenaires|comptables?|compta|gens|conseil|comite|pdg|daf|profanes)`;
const more = String.raw`(?:court|courte|long|longue|simple|chaleureux|chaleureuse|rapide|petite?|grande?|claire?|concrete?|precise?|detaille|detaillee|formel|formelle|sobre|direct|directe|lisible|concise?|doux|strict)`;

export const french: LanguageRules = {
  functionWords:
    "le la les un une des du de et ou mais ne pas est sont etait avec pour par sur dans en au aux ce cet cette ces ca cela que qui quoi quel quelle quels ou quand " +
    "comment pourquoi si je tu il elle on nous vous ils elles me moi te toi se lui leur mon ton son ma ta sa mes tes ses notre nos votre vos plus moins tres aussi " +
    "encore alors donc puis tout tous toute fait fais faire peut peux est-ce c'est j'ai n'est merci stp d'un d'une qu'on qu'il y a as ai avons sans comme",
  patterns: {
    iterates_and_refines: [
      String.raw`\b(?:plutot|a la place|au lieu d[eu']|toujours \d|pas tout a fait|encore trop|un peu (?:plus|moins)|beaucoup (?:plus|moins)|trop (?:long|court|technique|formel|vague|complique|large|petit|gros|lent|familier|sec|general|verbeux)(?:s|ue|es|le|les|e)?)\b`,
      String.raw`\b(?:rends?|rendez|fais|mets|sois|plus|moins) (?:${word} ){0,5}?(?:plus|moins) ${more}\b|(?:^|[.,;:!?] |\bmais |\ben )(?:plus|moins) ${more}\b`,
      String.raw`(?:^|[.,;:!?] ?|\b(?:et|mais|puis|alors|aussi|maintenant|tu peux|peux-tu|pourrais-tu|stp) )(?:ajoute[rz]?|enleve[rz]?|enlever|retire[rz]?|supprime[rz]?|vire|remplace[rz]?|change[rz]?|modifie[rz]?|corrige[rz]?|raccourci[srt]?|raccourcir|allonge[rz]?|coupe[rz]?|garde[rz]?|deplace[rz]?|trie[rz]?|renomme[rz]?|simplifie[rz]?|reformule[rz]?|reecris|reecrire|reduis|augmente[rz]?|limite[rz]?|precise[rz]?|developpe[rz]?|fusionne[rz]?|separe[rz]?|adapte[rz]?|mentionne[rz]?|utilise[rz]?|tourne|inverse[rz]?|refais|rends|rend|mets|actualise|laisse tomber)\b`,
      String.raw`\b(?:doit|devrait|doivent|devraient|faut que \w{1,20}) (?:${word} )?(?:etre|rester|s'appeler|soit|reste)\b`,
      String.raw`(?:^|[.,;:!?] ?|\bet )[a-z]{4,15}-(?:le|la|les) (?:de|a|en|un peu)\b`,
      String.raw`\bserait (?:mieux|plus \w{3,20}|preferable)\b|\b(?:tu peux|peux-tu|tu pourrais|pourrais-tu) (?:le |la |l')?(?:resserrer|raccourcir|alleger|ajuster|adapter|lisser|nettoyer|simplifier|arranger)\b|\b(?:traine|ne va pas|sonne (?:mal|faux))\b`,
    ],
    provides_examples: [
      String.raw`\b(?:par exemple|p\. ?ex\.|ex\. ?:|exemples? ?:|sur le modele d[eu']|a la maniere d[eu']|dans le genre d[eu']|du genre :|semblable a|similaire a|calque[e]? sur)`,
      String.raw`\b(?:inspire[- ]toi|inspirez[- ]vous|base[- ]toi|basez[- ]vous) (?:d[eu']|sur)|\b(?:ressembler|ressemble) a (?:ca|ceci|celui|celle|ceux)\b`,
      String.raw`\bcomme (?:celui|celle|ceux|ci-dessous|dans ["\x60]?[\w/-]{1,60}\.\w{1,4}\b|[\w/-]{1,60}\.\w{1,4}\b|on (?:le )?fait|pour les autres)`,
      String.raw`\b(?:meme|memes) (?:style|structure|forme|presentation|ton|format|schema) que\b|\bcomme (?:modele|exemple|reference)\b|\bprends? (?:exemple|modele) sur\b`,
      String.raw`\bvoici (?:un|une|deux|trois|quelques) (?:\w{1,30} )?(?:exemples?|modeles?)\b|\b(?:sortie|entree|resultat) (?:attendue?|souhaitee?)\b`,
      String.raw`"[^"]{1,80}" ?(?:->|=>|doit donner|doit devenir|devient) `,
      String.raw`\bcomme (?:ceci|ca) ?:|\bcomme ceci\b|\bde la meme (?:forme|facon) que\b`,
      String.raw`\b(?:fais|faites|fait)(?:-le|-la)? comme (?:pour|dans|avec|on)\b`,
    ],
    specifies_format: [
      String.raw`\b(?:en|dans un|sous forme d[e']|au format|comme) ?(?:une? |${number} |du )?(?:(?!le\b|la\b|les\b|ce\b|cette\b|notre\b|mon\b)${word} ){0,2}?${layout}\b`,
      String.raw`\b(?:uniquement|seulement|rien que|juste) (?:en |par |avec |du |le |la |un )?(?:json|csv|yaml|xml|markdown|html|sql|code|regex|resultat|oui ou non|liste|tableau)\b`,
      String.raw`(?<!\bencore |\btoujours )\b${number} ${unit}\b(?! de code)|\b(?:une|un) (?:seule? )?(?:ligne|phrase|mot|paragraphe) (?:chacune?|par|pour chaque)\b`,
      String.raw`\b(?:une|un|${number}) ${unit} (?:maximum|max|au plus|maxi)\b|\b(?:maximum|max\.?|au plus|pas plus de|en) (?:une|un|${number}) ${unit}\b`,
      String.raw`\bavec (?:les |des |comme )?(?:colonnes|sections|titres|champs|cles)\b|\bdes titres(?:,| et)|\bformat ?:`,
      String.raw`\b(?:fais|donne|dresse|ecris)(?:-moi|-nous)? une? (?:${word} )?(?:liste|tableau|checklist)\b`,
      String.raw`\b(?:puces|points|lignes|phrases)\b[^.!?]{0,60}?\b${number} (?:au plus|maximum|max)\b|\ben une page\b|\bsur une (?:demi-)?page\b`,
      String.raw`\bune (?:ligne|phrase|puce|colonne) (?:par|pour chaque)\b`,
    ],
    sets_interaction_mode: [
      String.raw`\b(?:pose|posez)(?:-moi)? (?:d'abord |toujours )?(?:des |une |tes |deux |quelques )(?:seule )?questions?\b|\bdemande-moi (?:d'abord|avant|si|ce)\b|\b(?:une|un) (?:seule? )?(?:question|etape|fichier|chose)? ?a la fois\b|\betape par etape\b|\bune etape apres l'autre\b`,
      String.raw`\battends? (?:ma|mon|mes|que je|avant|mon accord)\b|\barrete-toi (?:la|ici)\b|\bavant (?:d'ecrire|de (?:coder|continuer|commencer|modifier|toucher|changer|passer|te lancer))\b`,
      String.raw`\b(?:n'ecris|ne touche|ne modifie|ne change|ne code|ne lance|ne fais|ne supprime|n'execute|ne donne|ne commite?) (?:${word} ){0,2}?(?:pas|rien|aucun)\b`,
      String.raw`\b(?:tu es|tu joues|joue|jouez|fais) (?:le|la|un|une|mon|ma|comme si|l'avocat) ?(?:role|avocat|recruteu|recrutri|examinat|client|prof|coach|relect|critique|du diable|interview)|\bavocat du diable\b|\ba partir de maintenant\b|\bdesormais\b`,
      String.raw`\b(?:contredis-moi|challenge-moi|corrige-moi|interroge-moi|pense a voix haute|sois (?:critique|strict|franc|honnete|impitoyable) avec moi)\b`,
      String.raw`\bdis-moi (?:franchement |honnetement |tout de suite )?(?:si tu|quand tu|si je|si quelque chose|si un)\b|\b(?:juste|seulement|que) des (?:indices|questions|pistes)\b|\bpas de solution\b`,
      String.raw`\bne me (?:donne|dis|montre|livre)s? pas (?:toute |encore |directement )?(?:la )?(?:solution|reponse|code)?\b|\bne va pas trop vite\b|\bon (?:parle|discute|regarde) d'abord\b|\bmets-moi (?:juste )?sur la (?:voie|piste)\b`,
      String.raw`\b(?:toi )?tu (?:commentes|regardes|ecoutes|reponds|poses) (?:seulement|juste|uniquement)\b|\b(?:interromps|arrete|previens)-moi (?:quand|si|avant|des)\b|\bavant qu(?:'on|e tu|e l'on) (?:ne )?(?:change|modifie|ecrive|touche)\w{0,3}\b`,
    ],
    states_tone_and_style: [
      String.raw`\b(?:formel(?:le)?|informel(?:le)?|amical[e]?|cordial[e]?|poli[e]?|courtois[e]?|decontractee?|detendue?|enjouee?|ludique|sobre|humoristique|ironique|diplomatique|professionnel(?:le)?|chaleureu(?:x|se)|neutre|convaincante?|familier|mielleu(?:x|se)|guindee?|langage simple|(?:premiere|troisieme) personne|voix active|vouvoie(?:r|ment)?|tutoie(?:r|ment)?|on (?:se |les )?(?:vouvoie|tutoie))\b`,
      String.raw`\b(?:sur|d'|avec|dans|garde|adopte|prends?) ?(?:un|le|ce|notre|du)? ?(?:\w{1,30} )?(?:ton|style|registre)\b(?! (?:des|du|de la|css)\b)|\b(?:ton|style) (?:plus|moins|tres|trop) \w|\b(?:charte editoriale|nos conventions|conventions de nommage|notre style)\b`,
      String.raw`\b(?:pas de|sans|aucun) (?:\w{1,30} )?(?:jargon|anglicismes?|emojis?|points? d'exclamation|abreviations|sigles|acronymes|formules toutes faites|langue de bois|buzzwords)\b|\bphrases courtes\b`,
      String.raw`\bmots (?:simples|clairs)\b|\brien de (?:juridique|technique|formel|commercial)\b|\bferme, mais\b`,
      String.raw`\ble ton (?:peut|doit|reste|sera)\b|\bsinceres?\b|\bobsequieu`,
    ],
    defines_audience: [
      String.raw`\b(?:public (?:vise|cible)|lecteurs (?:sont|ne)|cible :|destinee?s? (?:a|aux|au)\b|s'adresse (?:a|aux|au)\b|a destination d)`,
      String.raw`\b(?:ecri[stv]\w{0,3}|redige[rz]?|explique[rz]?|resume[rz]?|prepare[rz]?|mail|e-mail|courriel|lettre|guide|page|discours|texte|article|presentation|diapo|annonce|message|rappel|compte rendu|rapport|documentation|presenter)\b[^.!?]{0,60}?\b(?:a|au|aux|pour) (?:(?:le|la|les|nos|notre|mon|ma|mes|un|une|des|tous|ca|jeudi|\d{1,9}) ){0,3}(?:${word} ){0,2}?${people}\b(?!-)`,
      String.raw`\b(?:dire|convaincre|annoncer|expliquer|presenter|ecrire|informer) (?:${word} ){0,4}?(?:a |aux |au )?(?:mon |ma |nos |notre |le |la |les )?${people}\b`,
      String.raw`\b(?:qu'|que |pour qu')(?:une?|mon|ma|nos|notre|les|n'importe) ?(?:${word} ){1,5}?(?:comprennent|comprenne|puisse(?:nt)? (?:le |la |l')?(?:comprendre|suivre))\b`,
      String.raw`\bils? n'ont jamais\b|\bqui n'ont jamais\b|\bcomme si j'(?:etais|avais)\b|\bsans (?:aucune )?(?:connaissances?|formation|bagage) (?:technique|juridique|medicale?|prealable)|\bnos (?:clients|lecteurs|utilisateurs) sont\b`,
      String.raw`\b(?:puces|article|compte rendu|resume|explication|tutoriel|readme|reponse)\b[^.!?]{0,60}?\bpour (?:l'|(?:les|des|nos|le|la|notre) ){0,2}(?:${word} ){0,2}?${people}\b(?!-)|\b(?:mail|lettre|message|courriel)\b[^.!?]{0,30}?\ba (?:un|une|notre|mon|ma) (?:fournisseur|prestataire|partenaire|banquier)\b|\b(?:lui|leur) expli?quer?\b`,
      String.raw`\b(?:visiteurs|lecteurs|utilisateurs|clients|auditeurs|destinataires|participants) sont (?:surtout|plutot|souvent|tous|principalement)\b`,
    ],
    clarifies_goal: [
      String.raw`\b(?:l'|mon |notre |le )(?:objectif|but|idee|finalite)(?: final| de tout ca)? (?:est|c'est|ici)\b|\b(?:objectif|but) ?:|\bil s'agit de\b|\bafin (?:de|que|d')`,
      String.raw`\bpour (?:que|qu'|ne plus|eviter|pouvoir|arreter de)\b|\bde (?:facon|maniere) a\b|\bhistoire (?:de|que)\b`,
      String.raw`\b(?:j'essaie|on essaie|nous essayons|je prepare|on prepare|nous preparons|je cherche|on cherche) (?:a|de|un|une|mon|notre)\b`,
      String.raw`\b(?:je|on|nous) (?:veux|veut|voulons|dois|doit|devons|voudrais|voudrait) (?:${word} ){0,3}?(?:m'entrainer|s'entrainer|m'exercer|preparer|presenter|convaincre|decider|montrer|prouver|me debarrasser)\b`,
      String.raw`\b(?:j'ai besoin|on a besoin|je veux|on veut|il faut)\b[^.!?]{0,60}\b(?:parce qu|car |puisqu)`,
      String.raw`\bla raison,? (?:c'est|est)\b|\bil faut juste (?:que|qu)`,
      String.raw`\b(?:j'aimerais|on aimerait|je voudrais|on voudrait|nous aimerions) (?:${word} )?(?:descendre|reduire|passer|eviter|arriver|accelerer|diviser|gagner|ne plus)\b`,
    ],
    consults_on_approach: [
      String.raw`\bcomment (?:est-ce que )?(?:tu|vous|t'y|ferais-tu|t'y prendrais-tu) (?:${word} ){0,3}?(?:prendrais|prendriez|ferais|feriez|aborderais|attaquerais|structurerais|procederais|organiserais|decouperais)\b|\bcomment (?:ferais-tu|t'y prendrais-tu|procederais-tu)\b`,
      String.raw`\bcomment (?:devrais-je|devrait-on|faut-il|je devrais|on devrait|vaut-il mieux) (?:${word} ){0,4}?(?:faire|structurer|organiser|aborder|commencer|decouper|modeliser|s'y prendre)\b|\bpar (?:ou|quoi) (?:commencer|je commence|on commence|tu commencerais)\b`,
      String.raw`\bquelles? (?:sont |seraient )?(?:les )?(?:${word} )?(?:options|alternatives|possibilites|approches|pistes|solutions possibles)\b|\bdans quel ordre\b`,
      String.raw`\bavantages et (?:les )?inconvenients\b|\bles? pour et (?:les? )?contre\b|\b(?:qu'est-ce qui|que) (?:est|serait|vaut) (?:le |la )?(?:mieux|meilleure?|plus adaptee?|plus judicieux)\b|\bmeilleure (?:approche|facon|maniere|strategie)\b|\bcompromis\b`,
      String.raw`\b(?:propose|donne|suggere|esquisse|presente|fais)(?:-moi|-nous)? (?:d'abord )?(?:un|une|deux|trois|ton|quelques|plusieurs) (?:\w{1,30} )?(?:plan|approches?|options|strategies?|alternatives|facons|pistes|solutions)\b`,
      String.raw`\b(?:tu choisirais|tu prendrais|tu ferais|choisirais-tu|prendrais-tu|tu recommandes|tu recommanderais|recommandes-tu|tu conseilles|tu me conseilles)\b|\b(?:est-ce qu'il vaut|il vaut|vaut-il) mieux\b`,
      String.raw`\bquelle (?:demarche|approche|strategie|methode|organisation)\b|\bquels (?:sont|seraient) les risques\b`,
      String.raw`\bplan (?:grossier|general|d'ensemble|rapide)\b|\b(?:je ne sais pas|je sais pas|pas sur de) (?:ce qui|quoi|lequel|laquelle|si|comment)\b[^.!?]{0,40}\b(?:mieux|malin|plus|choisir|faire)\b`,
    ],
    identifies_missing_context: [
      String.raw`\b(?:tu|vous) ne? ?(?:connais|connaissez|vois|voyez|peux pas (?:voir|savoir|connaitre)|pouvez pas (?:voir|savoir)|sais|savez) (?:pas|rien|encore)?\b|\btu n'as (?:pas|jamais|encore jamais|aucun) (?:${word} ){0,3}?(?:vu|lu|acces|connaissance|moyen|idee|regarde)\b|\bt'as (?:pas|jamais) (?:vu|lu|acces)\b`,
      String.raw`\bce que tu ne (?:peux pas|sais pas|vois pas)\b|\btu ne (?:peux|pouvais) pas (?:${word} ){0,2}?(?:savoir|voir|deviner|connaitre)\b|\bje ne t'ai pas (?:${word} ){0,2}?(?:donne|montre|dit|envoye|precise)\b|\bj'ai oublie d(?:e|')`,
      String.raw`\b(?:quelles?|de quelles?|quoi) (?:autres? )?(?:informations?|infos?|donnees|elements?|details?) (?:${word} ){0,4}?(?:besoin|manque|faut)|\b(?:de quoi as-tu|de quoi tu as|qu'est-ce qu'il te) (?:encore )?(?:besoin|faut|manque)\b|\bs'il te manque\b|\bil te manque\b`,
      String.raw`\btu (?:oublies|supposes|devines|pars du principe|as oublie|ignores)\b|\b(?:pour le )?contexte ?:`,
      String.raw`\bj'aurais du (?:te |vous )?(?:dire|preciser|mentionner)\b`,
      String.raw`\bje (?:ne )?(?:l'|te l'|vous l')avais pas (?:dit|precise|mentionne)\b`,
    ],
    questions_reasoning: [
      String.raw`\bcomment (?:tu (?:arrives|en arrives|passes)|arrives-tu|en arrives-tu|passes-tu) (?:a|la|de)\b|\bpourquoi (?:tu (?:penses|crois|dis|supposes)|penses-tu|crois-tu|est-ce que ce serait|ce serait)\b|\bd'ou (?:vient|viennent|sort|sortent) (?:ce(?! chiffre)|le|la|les|ces(?! chiffres)|l'|ton)`,
      String.raw`\b(?:ca|cela|ce) (?:n'a|a) (?:pas de|aucun) sens\b|\b(?:ca|cela|ce) ne (?:tient pas|peut pas etre|colle pas|suit pas)\b|\bca (?:tient|colle|marche) pas\b|\bpas logique\b|\billogique\b`,
      String.raw`\bcontradict|\bcontredis\b(?!-)|\braisonnement circulaire\b|\b(?:ton|ce) (?:raisonnement|argument)\b|\b(?:je|j') ?(?:ne )?(?:suis pas (?:convaincue?|d'accord)|doute|en doute|n'y crois pas|y crois pas)\b|\bne me convainc pas\b|\b(?:due? au|etre le|un pur) hasard\b`,
      String.raw`\b(?:ne peut pas|ne peuvent pas|peut pas) expliquer\b|\bn'explique pas\b`,
      String.raw`\bmais [^.!?]{3,80}, (?:non|pas vrai|n'est-ce pas)\?|\bne (?:suffirait|suffiraient|suffit|prouve|signifie) pas\b`,
    ],
    checks_facts: [
      String.raw`\b(?:tu (?:en )?es|t'es|es-tu|vous etes) (?:vraiment |bien |absolument )?(?:surs?|sure|certaine?)\b|\b(?:c'est|est-ce) (?:vraiment |bien )?(?:vrai|exact|correct)\b|\bc'est bien vrai\b|\bca existe vraiment\b`,
      String.raw`\b(?:tu as|as-tu|t'as|donne|cite|quelle est|indique|vous avez)(?:-moi)? (?:${word} ){0,2}?(?:sources?|references?|liens?|preuves?)\b|(?:^|[.?!] )sources? ?\?|\b(?:c'est |ou est-ce |ou c'est )?ecrit ou\b|\bou est-ce (?:ecrit|que c'est ecrit)\b|\bou (?:as-tu|tu as) (?:trouve|lu|vu)\b|\bd'ou tu (?:sors|tiens)\b`,
      String.raw`\b(?:verifie[rz]?|reverifie[rz]?|recalcule[rz]?|refais le calcul|relis|controle[rz]?|confirme[rz]?)\b`,
      String.raw`\b(?:prouve[rz]?|prouves|demontre[rz]?)\b|\bas-tu (?:vraiment )?(?:teste|execute|lance|verifie)\b|\btu (?:l')?as (?:vraiment )?(?:teste|execute|lance|verifie)\b|\bmontre(?:-moi)? (?:la |le |les )?(?:sortie|logs?|resultats?|preuve)\b|\bessaie-le\b`,
      String.raw`\bd'ou (?:vient|viennent|sort|sortent) (?:ce chiffre|ces chiffres|cette info|cette affirmation)\b|\b(?:regarde|regarder|consulte|consulter) (?:dans )?(?:la doc|la documentation|le guide|le manuel)\b|\bj'ai un doute\b`,
      String.raw`\bquel(?:le)? (?:article|etude|paragraphe|loi|chapitre|source)\b|\bcite(?:-m'en|-moi|s-en)\b`,
    ],
  },
};
