import type { FluencyIndicator } from "@flowstate/shared/wire/fluency";

const number = String.raw`(?:one|two|three|four|five|six|seven|eight|nine|ten|\d+)`;
const layout = String.raw`(?:json|csv|yaml|xml|markdown|html|table|bullets?|bullet points?|list|columns?|headings?|sections?|calendar)`;
const people = String.raw`(?:developers?|engineers?|customers?|clients?|managers?|workers?|employees?|colleagues|teammates|team|board|executives?|investors?|students?|pupils|children|kids|parents|patients?|users?|beginners?|juniors?|newcomers?|journalists?|candidates?|nurses?|doctors?|lawyers?|cfo|ceo|cto|boss|people|public|stakeholders?|management|citizens|suppliers?|partners?|experts?|laypeople|audience)`;
const notThing = String.raw`(?!['-]|\s+(?:endpoint|table|service|api|list|component|module|class|page|route|model|import|export|id|name|file|folder))`;

/** Patterns of one indicator over a person's words; each is linear in the length of the text. */
const sources = {
  iterates_and_refines: [
    String.raw`\b(?:instead|as well|too \w+|still|not quite|rather|shorter|longer|simpler|warmer|faster|smaller|bigger|clearer|friendlier|stricter|softer|less|more [\w-]+)\b`,
    String.raw`(?:^|[.,;:!?]\s|\b(?:and|but|then|also|please|now|can you|could you)\s)(?:make|change|add|remove|drop|leave out|split|merge|move|put|limit|sort|shorten|tone|rename|include|exclude|replace|redo|adapt|weaken|cut|pin|mention|use|keep|expand|rewrite|adjust|swap|reduce|increase|extend|tighten|look|turn|skip|simplify|reword|rephrase|correct|update|fix|do the same)\b`,
    String.raw`\b(?:should|must|needs? to|has to|have to) (?:not )?be\b`,
  ],
  provides_examples: [
    String.raw`\b(?:e\.g\.|for example|for instance|example:|examples:|as in ["\x60]|along the lines of|modell?ed on|similar to)`,
    String.raw`\b(?:looks?|shaped|formatted|something) like\s*(?:this|these|the one|:|"|\x60)`,
    String.raw`\blike (?:the (?:one|ones|page|others|existing)|we (?:already )?do|[\w/-]+\.\w{1,4}\b)`,
    String.raw`\b(?:the way we|same (?:\w+ )?(?:way|style|layout|structure|tone) as|starts? like this)\b`,
    String.raw`\bhere(?:'s| is| are) (?:an?|one|some|two|three|a few) (?:\w+ )?(?:examples?|samples?|we like|i like|that works?)\b`,
    String.raw`\b(?:sample|expected|desired) (?:input|output|row|result)\b`,
    String.raw`\bas an? (?:example|template|model|reference)\b`,
  ],
  specifies_format: [
    String.raw`\b(?:as|in|into)\s(?:an?\s|${number}\s|valid\s|plain\s)?(?:(?!the\b|this\b|that\b|our\b|my\b)[\w-]+\s){0,2}${layout}\b`,
    String.raw`\b(?:give me|write|make|return|output|produce)\s(?:only\s)?(?:me\s)?an?\s(?:(?!the\b)[\w-]+\s){0,2}(?:list|table|checklist)\b`,
    String.raw`(?<!\bstill )\b(?:${number}|single) (?:(?:short|single|main) )?(?:bullets?|bullet points?|sentences?|paragraphs?|columns?|sections?|headings?|words|lines|characters|pages|slides?)\b(?! of code)`,
    String.raw`\b${number} (?:line|sentence|bullet|row|paragraph|number) (?:each|per|in each|only|for each)\b`,
    String.raw`\b(?:with (?:the )?(?:columns|sections|headings|fields)|headings?,|format:|one slide|shaped like|a good row looks)`,
    String.raw`\bin a (?:single )?(?:paragraph|sentence|table|list)\b`,
  ],
  sets_interaction_mode: [
    String.raw`\b(?:ask me|ask first|ask questions|ask one question|(?:one|a single) (?:question|step|file|thing) at a time)\b`,
    String.raw`\b(?:wait (?:for my|until i|for me)|stop and wait|before you (?:write|change|touch|edit|start|implement|begin|go on|continue))\b`,
    String.raw`\b(?:do not|don't|never) (?:write|touch|change|edit|modify|implement|solve|give|start)\b[^.!?]{0,30}\b(?:code|files?|anything|yet|for me|answers?)\b`,
    String.raw`\b(?:act as|pretend to be|devil's advocate|you are (?:an?|my) \w+|from now on|push back|interview me|quiz me|interrupt me|correct me|think out loud|explain as you go)\b`,
    String.raw`\bchallenge (?:me|my|every|each)\b|\bbe (?:brief|critical|strict|blunt|honest) with me\b`,
    String.raw`\btell me (?:honestly )?(?:when you|if you|if anything|when i)\b`,
    String.raw`\b(?:answer|reply|respond) (?:only )?(?:in|with) (?:one|a single|yes)\b`,
  ],
  states_tone_and_style: [
    String.raw`\b(?:formal|informal|friendly|polite|casual|playful|sober|matter-of-fact|conversational|ironic|self-deprecating|enthusiastic|persuasive|diplomatic|humorous|flowery|empathetic|idiomatic|plain english|plain language|(?:first|third) person|active voice)\b`,
    String.raw`\b(?:keep (?:it|this)|make it|sounds?|more|less|too|a bit|mood:)\s(?:a (?:bit|little)\s)?(?:warm|warmer|light|dry|honest|firm|serious|professional|concise|crisp|plain|simple|like an? \w+)\b`,
    String.raw`(?:^|[.,]\s)(?:warm|light|dry|honest|firm|serious|professional|concise|crisp)(?:[.,]|\sand\s|\sbut\s)`,
    String.raw`\b(?:tone|wording|naming conventions|coding conventions|house style|our voice)\b|\bstyle\b(?![.\s-]*(?:sheets?|css|tag|attribute))`,
    String.raw`\bno (?:\w+ )?(?:jargon|buzzwords|exclamation marks|anglicisms|emojis?|slang)\b|\bshort sentences\b`,
  ],
  defines_audience: [
    String.raw`\b(?:audience (?:is|are|of|:)|readers (?:are|who|will)|target (?:group|audience))`,
    String.raw`\b(?:write|explain|draft|summari[sz]e|letter|mail|e-?mail|guide|page|speech|brief|describe|post|presentation|release|slide|announcement|message|reminder|rejection)\b[^.!?]{0,60}?\b(?:to|for) (?:(?:all|the|our|my|an?|\d+) )*(?:[\w-]+ ){0,3}?${people}\b${notThing}`,
    String.raw`\bso (?:that )?(?:an?|my|our|the) [\w-]+ (?:\w+ )?(?:can follow|gets it|understands?|can understand)\b`,
    String.raw`\bas if i (?:were|was) an?\b|-year-old\b|\bno (?:technical|legal|medical|prior) (?:background|knowledge)\b|\b(?:people|someone|somebody) who (?:have|has) never\b`,
    String.raw`\b(?:our (?:customers|readers|users) are|my team's)\b`,
  ],
  clarifies_goal: [
    String.raw`\b(?:my|our|the) (?:\w+ )?(?:goal|aim|purpose|point|objective|intention) is\b|\bgoal:|\bin order to\b|\bso that (?!an? [\w-]+ (?:gets|understands)\b)|\bthe point is\b`,
    String.raw`\b(?:i'm|i am|we're|we are) (?:trying|building|aiming|planning|preparing)\b`,
    String.raw`\bso (?:the|we|i|they|people|that) [\w ]{0,30}\b(?:can|could|knows?|gets?|has|have)\b`,
    String.raw`\b(?:we|i) (?:need|want|are looking for|have to find|must)\b[^.!?]{0,60}\b(?:because|so)\b`,
    String.raw`\b(?:i|we) (?:will|want to|need to|plan to|are going to) use (?:this|it|the|them)\b|\bto get [^.!?]{0,40}\bapproved\b`,
  ],
  consults_on_approach: [
    String.raw`\b(?:what|which)(?:'s| is| would be| are) (?:the |a |our |my )?(?:best|better|right|sensible|good|simplest|recommended|options)\b`,
    String.raw`\bhow would you (?:approach|go about|tackle|structure|design|solve|handle|do)\b`,
    String.raw`\bhow should (?:i|we) (?:approach|structure|start|organi[sz]e|design|go about|model|store|split)\b|\bwhere should (?:i|we) start\b`,
    String.raw`(?:^|[.?!]\s)should (?:i|we) (?:use|go with|choose|split|keep|move|start)\b|\bis it better to\b`,
    String.raw`\bpros and cons\b|\btrade-?offs?\b|\bbetter (?:approach|way)\b|\bsimpler (?:alternative|way|approach)\b`,
    String.raw`\b(?:propose|outline|suggest|sketch|give me|show me) (?:an?|your|the|two|three|some)?\s?(?:\w+ )?(?:plan|approach|options|strategy|alternatives)\b`,
    String.raw`\b(?:before (?:we|i) (?:decide|commit|implement|code)|agree on (?:the|an) (?:approach|plan))\b`,
    String.raw`\bwhich (?:one|of \w+ \w+|\w+)? ?would you (?:start|choose|pick|use|recommend|prefer)\b`,
  ],
  identifies_missing_context: [
    String.raw`\byou (?:couldn't|could not|can't|cannot|don't|do not|didn't|did not|won't) (?:know|see|have (?:access|seen|the))\b`,
    String.raw`\byou (?:haven't|have not|have never|weren't|were not|had not) (?:seen|told|read|given|looked|considered|been told)\b`,
    String.raw`\b(?:you're|you are) (?:not aware|unaware|missing|overlooking|forgetting|assuming)\b|\byou (?:missed|overlooked|forgot)\b`,
    String.raw`\b(?:i|we) (?:forgot|should have|didn't|did not|haven't) (?:to )?(?:mention(?:ed)?|tell|told|say|said)\b`,
    String.raw`\bwhat (?:else|other|more|information|context)\b[^?]{0,30}\byou (?:still )?(?:need|miss)\b`,
    String.raw`\b(?:your (?:information|knowledge|data) is (?:probably )?(?:outdated|old)|(?:some|more|missing) context:|wasn't in my (?:message|prompt|request))`,
  ],
  questions_reasoning: [
    String.raw`\bwhy (?:would|did|do|should|are) (?:you|that|it|we)\b|\bhow (?:does that follow|did you (?:get|arrive|calculate|come))\b`,
    String.raw`\b(?:that|this|it) (?:doesn't|does not|can't|cannot|wouldn't|makes no) (?:hold|follow|make sense|sense|be right|be true|work|add up)\b`,
    String.raw`\bcontradict|\binconsistent\b|\bcircular\b|\bthat logic\b|\b(?:your|that) (?:argument|reasoning|logic|conclusion)\b|\bi (?:don't follow|disagree)\b`,
    String.raw`(?:^|[.?!,]\s)(?:wouldn't|won't|doesn't|isn't|don't|aren't) [^.?!]{3,90}\?`,
    String.raw`\bhow would (?:that|this|an?|the|it)\b|\bcan't (?:both )?be (?:right|true)\b|\bcannot (?:both )?be (?:right|true)\b`,
  ],
  checks_facts: [
    String.raw`\b(?:double-? ?check|verify|fact-? ?check|confirm|recompute|recalculate|cross-?check|are you sure)\b`,
    String.raw`\b(?:what|where|which|your|any|the) (?:is |are )?(?:the |your )?(?:sources?|citations?|references)\b(?! (?:code|file|tree|folder))|\blink to (?:the|a)\b`,
    String.raw`\bwhere (?:does it|did you|do you|is it|you) (?:say|get|got|find|found|written|have)\b|\bdocumentation says\b`,
    String.raw`\b(?:really|actually) exists?\b|\bis (?:that|it|this) (?:real|true|correct|from)\b|\bi can't find (?:that|it|this|any)\b`,
    String.raw`\b(?:did|have) you (?:actually |really )?(?:run|ran|test|tested|check|checked|verified)\b`,
    String.raw`\b(?:show|paste)\b[^.?!]{0,40}\b(?:output|log|logs|result|results|proof)\b|\b(?:quote|cite) the\b`,
    String.raw`\bwhich (?:study|studies|paragraph|clause|page|article|law|version of the)\b|\bcheck (?:it |this )?(?:against|the (?:\w+ )?(?:price list|docs|documentation|recommendation|manual|statute|release notes))\b`,
  ],
} as const satisfies Record<FluencyIndicator, readonly string[]>;

/** Whether a person's words, as `wordsOf` gives them, show an indicator. */
export function shows(indicator: FluencyIndicator, words: string): boolean {
  return compiled[indicator].some((pattern) => pattern.test(words));
}

const compiled = Object.fromEntries(
  Object.entries(sources).map(([indicator, patterns]) => [
    indicator,
    patterns.map((source) => new RegExp(source, "u")),
  ]),
) as unknown as Readonly<Record<FluencyIndicator, readonly RegExp[]>>;
