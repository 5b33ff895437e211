import type { LanguageRules } from "./language.ts";

const number = String.raw`(?:one|two|three|four|five|six|seven|eight|nine|ten|\d{1,9})`;
const word = String.raw`[\w-]{1,40}`;
const layout = String.raw`(?:json|csv|yaml|xml|markdown|html|table|bullets?|bullet points?|list|columns?|headings?|sections?|calendar)`;
const people = String.raw`(?:developers?|engineers?|customers?|clients?|managers?|workers?|employees?|colleagues?|teammates|team|board|executives?|investors?|students?|pupils|children|kids?|child|parents|patients?|users?|beginners?|juniors?|newcomers?|journalists?|candidates?|nurses?|doctors?|lawyers?|cfo|ceo|cto|boss|people|salespeople|public|stakeholders?|management|citizens|suppliers?|partners?|experts?|laypeople|audience)`;
const notThing = String.raw`(?!['-]|\s(?:endpoint|table|service|api|list|component|module|class|page|route|model|import|export|id|name|file|folder))`;
const way = String.raw`(?:way|approach|order|strategy|design|structure|choice|place to start|practice|setup)`;

export const english: LanguageRules = {
  functionWords:
    "the a an and or but of to in on for with from by at as is are was were be been it its this that these those i you we they he she " +
    "my your our me us them do does did not no can could should would will have has had what which who when where why how if so than then there " +
    "about only some any all other please now just more too also up out into let don't it's i'm",
  patterns: {
    iterates_and_refines: [
      String.raw`\b(?:instead|as well|too ${word}|still|not quite|rather|shorter|longer|simpler|warmer|faster|smaller|bigger|clearer|friendlier|stricter|softer|less|more [\w-])`,
      String.raw`(?:^|[.,;:!?] |\b(?:and|but|then|also|please|now|can you|could you) )(?:make|change|add|remove|drop|leave out|split|merge|move|put|limit|sort|shorten|tone|rename|include|exclude|replace|redo|adapt|weaken|cut|pin|mention|use|keep|expand|rewrite|adjust|swap|reduce|increase|extend|tighten|look|turn|skip|simplify|reword|rephrase|correct|update|fix|do the same)\b`,
      String.raw`\b(?:should|must|needs? to|has to|have to) (?:not )?be\b`,
    ],
    provides_examples: [
      String.raw`\b(?:e\.g\.|for example|for instance|example:|examples:|as in ["\x60]|along the lines of|modell?ed on|similar to)`,
      String.raw`\b(?:looks?|shaped|formatted|something) like ?(?:this|these|the one|:|"|\x60)`,
      String.raw`\blike (?:that one|the (?:ones?|page|others|existing)|we (?:already )?do|[\w/-]{1,60}\.\w{1,4}\b)`,
      String.raw`\b(?:the way (?:we|it's done|it is done|they're done)|same (?:\w{1,40} )?(?:way|style|layout|structure|tone) as|starts? like this)\b`,
      String.raw`\b(?:keep|stick) to (?:that|its|their|the same) (?:structure|layout|style|pattern)\b`,
      String.raw`\bhere(?:'s| is| are) (?:an?|one|some|two|three|a few) (?:\w{1,40} )?(?:examples?|samples?|we like|i like|that works?)\b`,
      String.raw`\b(?:sample|expected|desired) (?:input|output|row|result)\b`,
      String.raw`\bas an? (?:example|template|model|reference)\b`,
      String.raw`"[^"]{1,80}" (?:->|=>|becomes|should (?:become|give|turn into)) `,
    ],
    specifies_format: [
      String.raw`\b(?:as|in|into) (?:an? |${number} |valid |plain )?(?:(?!the\b|this\b|that\b|our\b|my\b)${word} ){0,2}${layout}\b`,
      String.raw`\b(?:valid|plain|raw|pure) (?:json|csv|yaml|xml|markdown|html|text)\b(?! file)`,
      String.raw`\b(?:give me|write|make|return|output|produce) (?:only )?(?:me )?an? (?:(?!the\b)${word} ){0,2}(?:list|table|checklist)\b`,
      String.raw`\b(?:output|print|return|answer|reply|respond) (?:with )?(?:just|only|nothing but)\b|\byes or no only\b|\bonly (?:with )?yes or no\b`,
      String.raw`(?<!\bstill )\b(?:${number}|single) (?:(?:short|single|main|a4) )?(?:bullets?|bullet points?|sentences?|paragraphs?|columns?|sections?|headings?|words|lines|characters|pages|slides?)\b(?! of code)`,
      String.raw`\b${number} (?:line|sentence|bullet|row|paragraph|number) (?:each|per|in each|only|for each)\b`,
      String.raw`\b(?:max(?:imum|\.)?|at most|no more than|half|fits? on) (?:one|a|an) (?:a4 )?page\b`,
      String.raw`\b(?:with (?:the )?(?:columns|sections|headings|fields)|headings?,|headings (?:plus|and)|format:|one slide|shaped like|a good row looks)`,
      String.raw`\bin a (?:single )?(?:paragraph|sentence|table|list)\b`,
    ],
    sets_interaction_mode: [
      String.raw`\b(?:ask me|ask first|ask questions|ask one question|(?:one|a single) (?:question|step|file|thing) at a time)\b`,
      String.raw`\b(?:wait (?:for my|until i|for me)|stop and wait|stop (?:here|there) until|before you (?:write|change|touch|edit|start|implement|begin|go on|continue))\b`,
      String.raw`\b(?:do not|don't|never) (?:write|touch|change|edit|modify|implement|solve|give|start|run|commit|push|delete)\b[^.!?]{0,30}\b(?:code|files?|anything|yet|for me|answers?|yourself)\b`,
      String.raw`\b(?:act as|pretend to be|devil's advocate|you are (?:the interviewer|(?:an?|my) \w)|be my \w|from now on|from here on|push back|interview me|quiz me|interrupt me|correct me|think out loud|explain as you go)`,
      String.raw`\bchallenge (?:me|my|every|each)\b|\bbe (?:brief|critical|strict|blunt|honest) with me\b`,
      String.raw`\btell me (?:honestly )?(?:when you|if you|if anything|when i)\b`,
      String.raw`\b(?:no|not the) (?:solutions?|answers?)\b[^.!?]{0,20}\b(?:hints?|questions)\b|\b(?:just|only) (?:hints|questions)\b`,
      String.raw`\b(?:answer|reply|respond) (?:only )?(?:in|with) (?:one|a single|yes)\b`,
    ],
    states_tone_and_style: [
      String.raw`\b(?:formal|informal|friendly|polite|casual|playful|sober|matter-of-fact|conversational|ironic|self-deprecating|enthusiastic|persuasive|diplomatic|humorous|flowery|empathetic|idiomatic|plain english|plain language|british spelling|american spelling|dry humou?r|(?:first|third) person|active voice)\b`,
      String.raw`\b(?:keep (?:it|this)|make it|sounds?|more|less|too|a bit|mood:) (?:a (?:bit|little) )?(?:warm|warmer|light|dry|honest|firm|serious|professional|concise|crisp|plain|simple|like an? \w)`,
      String.raw`(?:^|[.,] )(?:warm|light|dry|honest|firm|serious|professional|concise|crisp)(?:[.,]| and | but )`,
      String.raw`\btone\b(?! of (?:the|our|these|those))|\b(?:wording|house style|our voice)\b|\b(?:naming|coding|our|the usual) conventions\b|\bstyle\b(?![. -]{0,3}(?:sheets?|css|tag|attribute))`,
      String.raw`\bno (?:\w{1,40} )?(?:jargon|buzzwords|exclamation marks|anglicisms|emojis?|slang|acronyms|abbreviations|clich[e]s)\b|\bshort sentences\b`,
    ],
    defines_audience: [
      String.raw`\b(?:audience (?:is|are|of|:)|readers (?:are|who|will)|readers:|target (?:group|audience))`,
      String.raw`\b(?:write|explain|draft|summari[sz]e|letter|mail|e-?mail|guide|page|speech|brief|describe|post|poem|present|presentation|release|slide|announcement|message|reminder|rejection)\b[^.!?]{0,60}?\b(?:to|for) (?:(?:all|the|our|my|an?|\d{1,9}) ){0,3}(?:${word} ){0,3}?${people}\b${notThing}`,
      String.raw`\b(?:tell|convince|persuade|inform|reassure) (?:my|our|the) (?:${word} )?${people}\b${notThing}|\b(?:goes|is going|will go) to (?:the|our|my) (?:${word} )?${people}\b${notThing}`,
      String.raw`\b(?:so )?(?:that )?(?:an?|my|our|the) (?:${word} ){1,4}(?:can follow|gets it|understands?|can understand|would understand|could understand)\b`,
      String.raw`\bas if i (?:were|was) an?\b|-year-old\b|\bno (?:technical|legal|medical|prior) (?:background|knowledge)\b|\b(?:people|someone|somebody) who (?:have|has) never\b|\bnone of (?:them|whom) (?:has|have) (?:ever|seen)\b`,
      String.raw`\b(?:our (?:customers|readers|users) are|my team's)\b`,
    ],
    clarifies_goal: [
      String.raw`\b(?:my|our|the) (?:\w{1,40} )?(?:goal|aim|purpose|point|objective|intention) is\b|\bgoal:|\bin order to\b|\bso that (?!an? ${word} (?:gets|understands)\b|can't|cannot|couldn't|isn't|is |was |means|doesn't)|\bthe point is\b`,
      String.raw`\b(?:i'm|i am|we're|we are) (?:trying|building|aiming|planning|preparing)\b`,
      String.raw`\bso (?:the|we|i|they|people|that) [\w ]{0,30}\b(?:can|could|knows?|gets?|has|have)\b(?!')`,
      String.raw`\b(?:we|i) (?:need|want|are looking for|have to find|must)\b[^.!?]{0,60}\b(?:because|so)\b|\b(?:i'm|we're|i am|we are) \w{2,20}ing\b[^.!?]{0,60}\bbecause\b`,
      String.raw`\b(?:i|we) (?:have|need|want|would like) to (?:practi[sc]e|prepare|present|convince|persuade|show|decide|prove|get rid|get away)\b`,
      String.raw`\b(?:i|we) (?:will|want to|need to|plan to|are going to) use (?:this|it|the|them)\b|\bto get [^.!?]{0,40}\bapproved\b`,
    ],
    consults_on_approach: [
      String.raw`\b(?:what|which)(?:'s| is| would be| are) (?:the |a |our |my )?(?:best|better|right|sensible|simplest|recommended|options)\b|\b(?:what|which)(?:'s| is| would be) a good (?:${word} )?${way}\b`,
      String.raw`\bhow would you (?:approach|go about|tackle|structure|design|solve|handle|do)\b|\bwhat would your (?:plan|approach)\b`,
      String.raw`\bhow should (?:i|we) (?:approach|structure|start|organi[sz]e|design|go about|model|store|split)\b|\bwhere should (?:i|we) start\b`,
      String.raw`(?:^|[.?!] )should (?:i|we) (?:use|go with|choose|split|keep|move|start)\b|\bis it better to\b`,
      String.raw`\bpros and cons\b|\btrade-?offs?\b|\bspeaks for and against\b|\bbetter (?:approach|way)\b|\bsimpler (?:alternative|way|approach)\b`,
      String.raw`\b(?:propose|outline|suggest|sketch|give me|show me) (?:an?|your|the|two|three|some)? ?(?:\w{1,40} )?(?:plan|approach|options|strategy|alternatives)\b`,
      String.raw`\b(?:before (?:we|i) (?:decide|commit|implement|code)|agree on (?:the|an) (?:approach|plan))\b`,
      String.raw`\b(?:which|what|in which|in what) (?:one |of \w{1,40} \w{1,40} |\w{1,40} )?would you (?:start|choose|pick|use|recommend|prefer|go|lead|tackle|suggest)\b`,
    ],
    identifies_missing_context: [
      String.raw`\byou (?:couldn't|could not|can't|cannot|don't|do not|didn't|did not|won't) (?:know|see|tell from|guess|have (?:access|seen|the))\b`,
      String.raw`\byou (?:haven't|have not|have never|weren't|were not|had not) (?:seen|told|read|given|looked|considered|been told)\b|\byou have no (?:idea|way of knowing|access)\b`,
      String.raw`\b(?:you're|you are) (?:not aware|unaware|missing|overlooking|forgetting|assuming)\b|\byou (?:missed|overlooked|forgot)\b`,
      String.raw`\b(?:i|we) (?:forgot|should have|didn't|did not|haven't|have not) (?:to )?(?:mention(?:ed)?|tell|told|say|said|(?:given?|show[n]?|sen[dt]|shared?) you)\b`,
      String.raw`\bwhat (?:else|other|more|information|context)\b[^?]{0,30}\byou (?:still )?(?:need|miss)\b`,
      String.raw`\b(?:your (?:information|knowledge|data) is (?:probably )?(?:outdated|old)|(?:some|more|missing) context:|wasn't in my (?:message|prompt|request))`,
    ],
    questions_reasoning: [
      String.raw`\bwhy (?:would|did|do|should|are) (?:you|that|it|we)\b|\bhow (?:does that follow|(?:did|do) you (?:get|arrive|calculate|come))\b|\bwhere (?:does|do|did) (?:the|that|those|your) ${word} come from\b`,
      String.raw`\b(?:that|this|it) (?:doesn't|does not|can't|cannot|wouldn't|makes no) (?:hold|follow|make sense|sense|be right|be true|be the (?:reason|cause)|work|add up)\b`,
      String.raw`\bcontradict|\binconsistent\b|\bcircular\b|\bthat logic\b|\b(?:your|that) (?:argument|reasoning|logic|conclusion)\b|\bi (?:don't follow|disagree|don't buy|am not convinced)\b|\bi'm not convinced\b`,
      String.raw`(?:^|[.?!,] )(?:wouldn't|won't|doesn't|isn't|don't|aren't) [^.?!]{3,90}\?`,
      String.raw`\bhow would (?:that|this|an?|the|it)\b|\bcan't (?:both )?be (?:right|true)\b|\bcannot (?:both )?be (?:right|true)\b|\b(?:could|might) be (?:pure |just )?chance\b`,
    ],
    checks_facts: [
      String.raw`\b(?:double-? ?check|verify|fact-? ?check|confirm|recompute|recalculate|cross-?check|are you sure)\b`,
      String.raw`\b(?:what|where|which|your|any|the) (?:is |are )?(?:the |your )?(?:sources?|citations?|references)\b(?! (?:code|file|tree|folder))|(?:^|[.?!] )sources?\?|\blink to (?:the|a)\b`,
      String.raw`\bwhere (?:does it|did you|do you|is it|you|in the ${word} does it) (?:say|get|got|find|found|written|have)\b|\bdocumentation says\b`,
      String.raw`\b(?:really|actually) exists?\b|\bis (?:that|it|this) (?:really |actually )?(?:real|true|correct|from)\b|\bi can't find (?:that|it|this|any)\b`,
      String.raw`\b(?:did|have) you (?:actually |really )?(?:run|ran|test|tested|check|checked|verified)\b|\btry it (?:out )?(?:before|first)\b`,
      String.raw`\b(?:show|paste)\b[^.?!]{0,40}\b(?:output|log|logs|result|results|proof)\b|\b(?:quote|cite) the\b|\b(?:prove|proves) (?:it|that|this)\b`,
      String.raw`\b(?:go over|check|do|run) (?:the|these|those|your) (?:numbers|figures|calculations?|sums?|maths?) again\b`,
      String.raw`\bwhich (?:study|studies|paragraph|clause|page|article|law|version of the)\b|\bcheck (?:it |this )?(?:against|the (?:\w{1,40} )?(?:price list|docs|documentation|recommendation|manual|statute|release notes))\b`,
    ],
  },
};
