import type { LanguageRules } from "./language.ts";

/* Accents are taken off, as many people leave them out: `anade` is añade. Verbs stand in the forms of tú, vos and usted. */
const number = String.raw`(?:dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|\d{1,9})`;
const word = String.raw`[\w'-]{1,40},?`;
const layout = String.raw`(?:json|csv|yaml|xml|markdown|html|tabla|lista|vinetas|columnas|secciones|titulos|calendario|checklist)`;
const unit = String.raw`(?:frases?|oraciones|puntos|vinetas|parrafos?|columnas|palabras|lineas|caracteres|paginas?|diapositivas|secciones|titulos)`;
const people = String.raw`(?:desarrollador(?:es|as?)?|programador(?:es|as?)?|ingenier[oa]s?|clientes?|usuari[oa]s?|companer[oa]s?|colegas?|jef[ea]s?|direccion|comerciales|ventas|equipo|gerentes?|directiv[oa]s|emplead[oa]s|inversores|inversionistas|estudiantes?|alumn[oa]s?|ninos?|ninas?|padres|pacientes?|principiantes|novatos|periodistas?|candidat[oa]s?|medic[oa]s?|enfermer[oa]s?|abogad[oa]s?|publico|ciudadanos|proveedores|socios|contabilidad|gente|junta|consejo|comite|profanos)`;
const more = String.raw`(?:cort[oa]|larg[oa]|simple|sencill[oa]|calid[oa]|rapid[oa]|pequen[oa]|grande|clar[oa]|concret[oa]|precis[oa]|detallad[oa]|formal|sobri[oa]|direct[oa]|legible|breve|concis[oa]|suave|estrict[oa]|cercan[oa])`;

export const spanish: LanguageRules = {
  functionWords:
    "el la los las un una unos unas de del y o pero no es son era con para por sobre en al a lo le les que quien cual cuales cuando como donde porque si yo tu el ella " +
    "nosotros ellos me mi te se su sus nos mis tus nuestro nuestra nuestros este esta esto estos ese esa eso mas menos muy tambien todavia aun entonces pues todo todos toda " +
    "hay ha he has han puede puedes hacer haz ser esta estan sin ya gracias favor porfa ahora solo hasta desde aqui vale",
  patterns: {
    iterates_and_refines: [
      String.raw`\b(?:en (?:vez|lugar) de|mas bien|todavia no|no del todo|sigue (?:en|siendo|igual|tardando)|un poco (?:mas|menos)|mucho (?:mas|menos)|(?:demasiado|muy) (?:larg[oa]|cort[oa]|tecnic[oa]|formal|vag[oa]|complicad[oa]|anch[oa]|grande|pequen[oa]|lent[oa]|sec[oa]|general)s?|larguisim[oa])\b`,
      String.raw`\b(?:haz|hazlo|hazla|hacelo|ponlo|que sea|dejalo|hacer) (?:${word} ){0,5}?(?:mas|menos) ${more}\b|(?:^|[.,;:!?] |\bpero )(?:mas|menos) ${more}\b`,
      String.raw`(?:^|[.,;:!?] |\b(?:y|pero|luego|tambien|ahora|puedes|podrias|porfa|entonces) )(?:anade|anadir|agrega|agregar|agregue|quita|quitar|quite|elimina|eliminar|borra|borrar|saca los|reemplaza|reemplazar|sustituye|cambia|cambiar|cambie|modifica|corrige|corregir|acorta|acortar|alarga|recorta|corta|conserva|manten|mueve|mover|ordena|ordenar|renombra|simplifica|simplificar|reformula|reescribe|reduce|aumenta|limita|concreta|amplia|une|separa|divide|adapta|menciona|incluye|excluye|usa|gira|rehaz|pon|actualiza|deja)(?:lo|la|los|las|le|me)?\b`,
      String.raw`\b(?:debe|deberia|deben|deberian|tiene que|tienen que) (?:${word} )?(?:ser|estar|quedar|llamarse)\b`,
      String.raw`(?:^|[.,;:!?] |\by )[a-z]{3,15}(?:alo|ala|elo|ela|alos|elos) (?:un poco|\d|a |en )`,
      String.raw`\b(?:seria|quedaria|estaria) (?:mejor|mas \w{3,20})\b|\b(?:puedes|podrias) (?:aligerar|acortar|recortar|ajustar|adaptar|suavizar|limpiar|simplificar|arreglar)(?:lo|la|los|las)\b|\b(?:se hace pesad[oa]|no encaja|suena (?:mal|raro))\b`,
    ],
    provides_examples: [
      String.raw`\b(?:por ejemplo|p\. ?ej\.|ej\.:|ejemplos?:|siguiendo el (?:modelo|ejemplo|patron)|al estilo de|del estilo de|similar a|analogo a)`,
      String.raw`\b(?:basate|basese|inspirate|inspirese|fijate) en\b|\bparecid[oa] a (?:est[eao]|es[eao]|aquel)\b|\btoma (?:como )?(?:ejemplo|modelo|referencia)\b`,
      String.raw`\b(?:como|igual que) (?:en ["\x60]?[\w/-]{1,60}\.\w{1,4}\b|[\w/-]{1,60}\.\w{1,4}\b|est[eao]:|ese de|el de|los demas|las demas|lo hacemos|ya hacemos)`,
      String.raw`\b(?:mismo|misma) (?:estilo|estructura|forma|tipo|formato|tono|esquema) (?:que|de)\b|\bcomo (?:modelo|ejemplo|referencia|plantilla)\b`,
      String.raw`\b(?:aqui (?:tienes|van|va|hay)|te paso|te dejo) (?:un|una|dos|tres|algunos|unos) (?:\w{1,30} )?(?:ejemplos?|modelos?)\b|\b(?:salida|entrada|resultado) (?:esperad[oa]|desead[oa])\b`,
      String.raw`"[^"]{1,80}" ?(?:->|=>|deberia dar|debe dar|pasa a ser) `,
      String.raw`\basi: ?[\{\[<"]|\bcon la misma (?:forma|estructura) que\b|\btoma como (?:modelo|ejemplo|referencia)\b`,
      String.raw`\b(?:hazlo|hacelo|hazla|haz lo mismo) (?:como|igual) (?:que )?(?:en|con|para|hicimos|lo)\b|\bcomo (?:lo )?hicimos (?:en|con)\b`,
    ],
    specifies_format: [
      String.raw`\b(?:en|como|en forma de|con formato) (?:una? |${number} )?(?:(?!el\b|la\b|los\b|las\b|este\b|esta\b|nuestr|mi\b)${word} ){0,2}?${layout}\b`,
      String.raw`\b(?:solo|solamente|unicamente|nada mas que) (?:en |con |un |el |la )?(?:json|csv|yaml|xml|markdown|html|sql|codigo|regex|resultado|si o no|lista|tabla)\b`,
      String.raw`(?<!\btodavia |\bsigue en )\b${number} ${unit}\b(?! de codigo)|\b(?:una|un) (?:sola? )?(?:linea|frase|palabra|parrafo) (?:por|cada|para cada)\b`,
      String.raw`\b(?:maximo|max\.?|como mucho|no mas de|en) (?:una|un|${number}) ${unit}\b|\b(?:una|un|${number}) ${unit} (?:como )?maximo\b`,
      String.raw`\bcon (?:las |los |estas |estos )?(?:columnas|secciones|titulos|campos|claves)\b|\btitulos(?:,| y)|\bformato:`,
      String.raw`\b(?:haz|hazme|dame|escribe|prepara) una? (?:${word} )?(?:lista|tabla|checklist)\b`,
      String.raw`\b(?:vinetas|puntos|lineas|frases)\b[^.!?]{0,60}?\b${number} (?:como mucho|como maximo|maximo)\b|\ben una (?:sola )?pagina\b`,
      String.raw`\buna (?:fila|linea|frase|vineta|columna) por (?:cada)?\b`,
    ],
    sets_interaction_mode: [
      String.raw`\b(?:hazme|haceme|hagame|haz) (?:primero |siempre )?(?:preguntas|una (?:sola )?pregunta|tus preguntas)\b|\bpreguntame (?:primero|antes|si|lo)\b|\b(?:una|un) (?:sol[oa] )?(?:pregunta|paso|archivo|cosa)? ?(?:a la vez|cada vez)\b|\bpaso a paso\b|\bpaso por paso\b`,
      String.raw`\bespera (?:mi|a que|hasta que|mis)\b|\bpara (?:ahi|aqui|alli) hasta\b|\bdetente\b|\bantes de (?:escribir|programar|cambiar|tocar|modificar|empezar|seguir|continuar|implementar)\b`,
      String.raw`\bno (?:escribas|toques|cambies|modifiques|hagas|ejecutes|borres|programes|resuelvas|des|subas) (?:${word} ){0,3}?(?:codigo|todavia|aun|nada|por ahora|de momento|archivos?|ficheros?|la solucion|tu mismo)\b`,
      String.raw`\b(?:tu eres|vos sos|eres|actua como|haz de|hace de|ponte en el papel de|finge ser) (?:el|la|un|una|mi) (?!mejor|mas)\w|\bactua como \w|\babogado del diablo\b|\b(?:de|a partir de) ahora en adelante\b|\ba partir de ahora\b`,
      String.raw`\b(?:contradime|cuestioname|llevame la contraria|corrigeme|entrevistame|examiname|piensa en voz alta|se (?:critico|estricto|sincero|duro|honesto) conmigo)\b`,
      String.raw`\b(?:dime|avisame|decime) (?:sinceramente |enseguida )?(?:si te|si tu|cuando tu|si algo|si me|si no|cuando no)\b|\b(?:solo|unicamente) (?:pistas|preguntas)\b|\bsin (?:darme )?la solucion\b`,
      String.raw`\bno me (?:des|digas|muestres) (?:toda |todavia |directamente )?(?:la )?(?:solucion|respuesta|codigo)\b|\bno te adelantes\b|\bprimero (?:hablamos|vemos|discutimos)\b|\bempujon`,
      String.raw`\btu (?:solo|solamente|unicamente|nada mas) (?:comentas|miras|escuchas|respondes|preguntas)\b|\b(?:interrumpeme|parame|avisame) (?:cuando|si|antes)\b|\bantes de que se (?:cambie|modifique|escriba|toque)\b`,
    ],
    states_tone_and_style: [
      String.raw`\b(?:formal|informal|amable|cordial|educad[oa]|cortes|relajad[oa]|desenfadad[oa]|divertid[oa]|ludic[oa]|sobri[oa]|humoristic[oa]|ironic[oa]|diplomatic[oa]|profesional|calid[oa]|cercan[oa]|neutr[oa]|persuasiv[oa]|coloquial|entusiasta|lenguaje (?:sencillo|claro)|(?:primera|tercera) persona|voz activa|de (?:usted|tu)|tute(?:a|ar|o)|trat[ao] de usted)\b(?! (?:de|del|la) )`,
      String.raw`\b(?:en|con|usa|manten|adopta) (?:un |el |este |nuestro )?(?:\w{1,30} )?(?:tono|estilo|registro)\b(?! (?:de los|de las|del|css)\b)|\btono (?:mas|menos|muy) \w|\b(?:nuestras convenciones|convenciones de nombres|guia de estilo|nuestro estilo)\b`,
      String.raw`\b(?:sin|nada de|evita(?: el| los| las)?) (?:\w{1,30} )?(?:jerga|anglicismos|emojis?|exclamaciones|signos de exclamacion|abreviaturas|siglas|tecnicismos|frases hechas|peloteo)\b|\bfrases cortas\b`,
      String.raw`\bpalabras (?:sencillas|simples|claras)\b|\bnada (?:juridico|tecnico|formal|comercial)\b|\bneutral\b|\bfirme, pero\b|\bsin (?:dramas|culpar)\b`,
      String.raw`\b(?:lenguaje|tono|estilo) (?:puede|debe|tiene que) ser\b|\bsincer[oa]s?\b|\bservil\b`,
    ],
    defines_audience: [
      String.raw`\b(?:publico objetivo|lectores (?:son|no)|destinatarios|dirigid[oa]s? (?:a|al)\b|va (?:dirigid[oa] )?(?:a|para) (?:el|la|los|las|nuestr|mi)|pensad[oa] para\b)`,
      String.raw`\b(?:escrib\w{1,5}|redact\w{1,4}|explic\w{1,5}|resum\w{1,4}|prepar\w{1,4}|correo|mail|e-mail|email|carta|guia|pagina|discurso|texto|articulo|presentacion|diapositiva|anuncio|mensaje|recordatorio|informe|documentacion)\b[^.!?]{0,60}?\b(?:a|al|para) (?:(?:el|la|los|las|nuestr[oa]s?|mi|mis|un|una|todos|nuevos|nuevas|\d{1,9}) ){0,3}(?:${word} ){0,2}?${people}\b(?!-)`,
      String.raw`\b(?:decirle|convencer|presentarselo|presentar|explicarle|explicarselo|escribirle|contarle|contarselo|informar) (?:${word} ){0,4}?(?:a |al )(?:mi |mis |la |el |los |las |nuestr[oa]s? )?${people}\b`,
      String.raw`\b(?:que|para que) (?:una?|mi|mis|nuestr[oa]s?|los|las|cualquier) (?:${word} ){1,5}?(?:entiendan?|comprendan?|puedan? (?:entender|comprender|seguir)(?:lo|la)?)\b`,
      String.raw`\bningun[oa] ha (?:\w{1,20} )?nunca\b|\bque (?:nunca han|no han \w{1,20} nunca)\b|\bcomo si (?:yo )?(?:fuera|tuviera)\b|\bsin (?:conocimientos|formacion|base) (?:tecnic[oa]s?|juridic[oa]s?|medic[oa]s?|previ[oa]s?)|\bnuestros (?:clientes|lectores|usuarios) son\b`,
      String.raw`\b(?:vinetas|articulo|informe|resumen|explicacion|tutorial|readme|respuesta)\b[^.!?]{0,60}?\bpara (?:(?:el|la|los|las|nuestr[oa]s?|mi) ){0,2}(?:${word} ){0,2}?${people}\b(?!-)|\b(?:correo|carta|mensaje|mail)\b[^.!?]{0,30}?\ba (?:un|una|nuestro|nuestra|mi) (?:proveedora?|socia?o?|clienta?e?)\b|\b(?:le|les) explico\b`,
      String.raw`\b(?:visitantes|lectores|usuarios|clientes|oyentes|destinatarios|asistentes) son (?:sobre todo|en su mayoria|casi todos|principalmente|todos)\b`,
    ],
    clarifies_goal: [
      String.raw`\b(?:el|mi|nuestro|la) (?:objetivo|fin|finalidad|idea|meta|proposito)(?: final)? (?:es|seria)\b|\bobjetivo:|\bse trata de\b|\bcon el fin de\b|\ba fin de\b`,
      String.raw`\b(?:para|de modo|de manera) que (?!sirve|es\b|son\b|pongas|veas)\w|\bpara (?:no tener|poder|evitar|dejar de|que no)\b`,
      String.raw`\b(?:estoy|estamos) (?:intentando|tratando|preparando|construyendo|montando|planeando)\b|\b(?:intento|intentamos) \w`,
      String.raw`\b(?:quiero|queremos|tengo que|tenemos que|necesito|necesitamos|quisiera) (?:${word} ){0,2}?(?:practicar|prepararme|preparar|presentar(?:selo|lo|la)?|convencer|decidir|demostrar|ensenar|librarme)\b`,
      String.raw`\b(?:necesito|necesitamos|quiero|queremos|hay que)\b[^.!?]{0,60}\b(?:porque|ya que)\b`,
      String.raw`\b(?:el motivo|la razon) (?:es|son)\b|\blo que hace falta es\b|\blo importante es\b`,
      String.raw`\b(?:me gustaria|nos gustaria|quisiera|querria) (?:bajar|reducir|evitar|llegar|acelerar|dejar|pasar|ahorrar)(?:lo|la)?\b`,
    ],
    consults_on_approach: [
      String.raw`\bcomo (?:lo |la |te |se )?(?:plantearias|harias|abordarias|enfocarias|estructurarias|organizarias|resolverias|dividirias|atacarias)\b|\bcomo (?:deberia|deberiamos|conviene|convendria) (?:${word} ){0,4}?(?:hacer|estructurar|organizar|abordar|empezar|dividir|modelar)(?:lo|la)?\b|\bpor donde (?:empiezo|empezamos|empezarias|empezar|deberia)\b`,
      String.raw`\b(?:que|cuales) (?:son |serian )?(?:las )?(?:${word} )?(?:opciones|alternativas|posibilidades|enfoques|estrategias)\b|\ben que orden\b`,
      String.raw`\bventajas (?:y|e) (?:las )?(?:desventajas|inconvenientes)\b|\bpros y (?:los )?contras\b|\b(?:que|cual) (?:es|seria) (?:lo |la |el )?(?:mejor|mas (?:sensato|adecuado|conveniente|razonable))\b|\bmejor (?:enfoque|manera|forma|estrategia) de\b`,
      String.raw`\b(?:propon|proponme|dame|sugiere|sugiereme|plantea|esboza|haz) (?:primero )?(?:un|una|dos|tres|tu|algunas|varias) (?:\w{1,30} )?(?:plan|enfoques?|opciones|estrategias?|alternativas|formas|maneras)\b`,
      String.raw`\b(?:que|cual) (?:elegirias|escogerias|usarias|recomiendas|recomendarias|me recomiendas|me aconsejas|harias)\b|\btu que (?:elegirias|harias|usarias)\b|\bes mejor (?:usar|hacer|empezar|dividir)\b|\b(?:deberia|deberiamos|conviene) (?:usar|separar|dividir|mantener|empezar)\b`,
      String.raw`\bque (?:forma|manera|estrategia|enfoque)\b[^.!?]{0,30}\bseria\b|\bque riesgos\b`,
      String.raw`\bplan (?:por encima|general|a grandes rasgos|rapido)\b|\bno (?:se|estoy segur[oa] de) (?:que|cual|como|si)\b[^.!?]{0,40}\b(?:mejor|mas|conviene|elegir|hacer)\b`,
    ],
    identifies_missing_context: [
      String.raw`\bno (?:conoces|ves|puedes (?:ver|saber|conocer|acceder)|sabes|has visto|has leido|tienes (?:acceso|forma de saber|ni idea|idea))\b|\bnunca has (?:visto|leido)\b|\blo que no (?:puedes|sabes|ves)\b`,
      String.raw`\bno te (?:he|lo he|la he) (?:pasado|dado|dicho|ensenado|enviado|mostrado|mencionado)\b|\b(?:me olvide de|se me olvido|olvide) (?:decir|mencionar|contar|comentar)`,
      String.raw`\b(?:que|cual) (?:otra |mas )?(?:informacion|datos|detalles|info|contexto) (?:${word} ){0,3}?(?:necesitas|falta|faltan|te hace)\b|\bque (?:mas )?necesitas (?:de mi|saber|para)\b|\bsi te falta\b|\bte falta (?:algo|algun)`,
      String.raw`\b(?:olvidas|estas suponiendo|estas asumiendo|estas adivinando|te olvidas|has pasado por alto|ignoras)\b|\b(?:para |mas )?contexto:`,
      String.raw`\bdebi (?:haberte dicho|decirte|mencionar)\b|\bse me olvido (?:decir|mencionar|contar)`,
      String.raw`\bno (?:te )?lo habia (?:dicho|mencionado|comentado)\b`,
    ],
    questions_reasoning: [
      String.raw`\bcomo (?:llegas|has llegado|llegaste|pasas) (?:a|de)\b|\bpor que (?:crees|piensas|dices|supones|asumes|deberia|iba a|seria)\b|\bde donde (?:sale|salen|sacas|viene|vienen) (?:el|la|los|las|es[eao](?! (?:cifra|numero|dato))|tu)\b`,
      String.raw`\bno tiene (?:ningun )?(?:sentido|logica)\b|\bno puede ser\b|\bno (?:cuadra|encaja|se sostiene|se sigue)\b|\beso no (?:es|puede) (?:cierto|verdad|correcto)\b`,
      String.raw`\bcontradic|\bte contradices\b|\brazonamiento circular\b|\b(?:tu|ese|este) (?:razonamiento|argumento|logica)\b|\b(?:no me convence|no estoy (?:convencid[oa]|de acuerdo)|dudo que|no lo creo)\b|\b(?:ser|pura) casualidad\b|\bser (?:puro )?azar\b`,
      String.raw`\bno (?:explica|explican|puede explicar)\b`,
      String.raw`\bpero [^.!?]{3,80}, (?:no|verdad|cierto)\?|\bno (?:bastaria|bastarian|basta|demuestra|significa)\b`,
    ],
    checks_facts: [
      String.raw`\b(?:estas|seguro que estas) (?:totalmente |bien )?segur[oa]\b|\b(?:es|eso es|esto es) (?:realmente )?(?:cierto|verdad|correcto)\?|\bde verdad existe\b|\bexiste (?:de verdad|realmente)\b|\bsegur[oa]\?`,
      String.raw`\b(?:tienes|dame|cita|cual es|hay|indica|pasame) (?:${word} ){0,2}?(?:fuentes?|referencias?|enlaces?|pruebas?)\b|(?:^|[.?!] )fuentes?\?|\ben que parte\b[^.?!]{0,40}\b(?:dice|pone)\b|\bdonde (?:lo )?(?:dice|pone|esta escrito|has (?:visto|leido|encontrado)|leiste)\b|\bde donde (?:lo )?(?:has sacado|sacaste)\b`,
      String.raw`\b(?:comprueba|comprueb[ae]lo|compruebalo|verifica|verificalo|verificar|revisa (?:otra vez|de nuevo)|recalcula|repasa|confirma|confirmalo|contrasta)\b|\b(?:haz|revisa|repite) (?:${word} ){0,3}?(?:calculo|cuentas|numeros) (?:otra vez|de nuevo)\b`,
      String.raw`\b(?:demostrar|demuestra|demuestralo|probar que|prueba que)\b|\b(?:lo )?has (?:realmente )?(?:probado|ejecutado|comprobado|verificado)\b|\bmuestrame (?:la |el |los )?(?:salida|logs?|resultados?|prueba)\b|\bpruebalo\b`,
      String.raw`\bde donde (?:sale|salen|viene|vienen) (?:esa cifra|ese numero|ese dato|esos datos)\b|\b(?:miralo|mirar|consulta|consultar|mira) (?:en )?(?:la doc|la documentacion|la guia|el manual)\b|\blo dudo\b`,
      String.raw`\bque (?:articulo|estudio|parrafo|ley|capitulo) (?:lo )?dice\b|\bque (?:articulo|estudio|ley)\b|\bcita(?:me)? (?:uno|una|alguno|alguna)\b`,
    ],
  },
};
