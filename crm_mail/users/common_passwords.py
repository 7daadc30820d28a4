"""Passwords and words that every list of leaked passwords begins with; Italian, Spanish and English offices.

Only the word is listed: figures and signs before or after it, a repetition of it and the usual substitutions
(``p4ssw0rd``) are recognised by `passwords.find_problem`.
"""

import gzip
from pathlib import Path

_WORDS = """
password passwords passwort passw passwd passphrase passcode pass mypassword thepassword passwordpassword
newpassword defaultpassword temppassword temporarypassword changeme changemenow changeit pleasechangeme letmein
letmeinnow letmeinplease welcome welcomeback welcomehome welcometo admin administrator administrador amministratore
adminadmin adminpassword root rootroot toor superuser sysadmin system default guest guestguest user username login
loginlogin signin test testtest tester testing testpassword demo demodemo example sample secret secrets topsecret
mysecret secreto segreto segreta parola paroladordine contrasena contrasenia contraseña clave claveclave miclave
laclave accesso acceso accessdenied access entrar entrare benvenuto benvenuta benvenuti bienvenido bienvenida
bienvenidos hola holahola holamundo ciao ciaociao ciaobella ciaoatutti ciaomondo helloworld hello hellohello
hellothere qwerty qwertyuiop qwertyui qwertyu qwertyqwerty qwertz qwertzuiop azerty azertyuiop asdf asdfgh asdfghjkl
asdfasdf asdfjkl zxcvbn zxcvbnm qazwsx qazwsxedc qazwsxedcrfv zaqwsx zaqxsw poiuytrewq lkjhgfdsa mnbvcxz
qweasdzxc qweasd qweqwe asdzxc iloveyou iloveyousomuch iloveu ilovehim iloveher iloveme ilovegod ilovemyself
ilovemyfamily iloveyouforever iloveyoubaby loveyou lovelove loveme lovely lover love forever foreverandever
tiamo tiamotanto tiamoamore tivogliobene teamo teamomucho teamoamor teamosiempre tequiero tequieromucho amore
amoremio amoreamore amorevita amor amormio amorcito amoreterno miamor vitamia vida mividaerestu mivida corazon
cuore cuoricino stella stellina stellacometa tesoro tesoromio angelo angelomio angel angela angelina angels princess
principessa princesa princesita principe sunshine sunflower flower flowers butterfly farfalla mariposa rainbow
arcobaleno arcoiris chocolate cioccolato cioccolata cookie cookies sweetheart sweetie sweetpea honey honeybee babygirl
babyboy baby bambina bambino bebe superstar superman spiderman spiderman batman ironman captainamerica starwars
startrek pokemon pikachu naruto dragonball dragon dragons dragonfly dragone drago tigger tiger tigers monkey monkeys
donkey football futbol futebol calcio calciomercato soccer baseball basketball hockey golfer tennis volleyball
juventus juventusfc forzajuve forzajuventus milan acmilan forzamilan inter intermilan interinter forzainter napoli
forzanapoli sscnapoli roma asroma forzaroma lazio sslazio fiorentina forzaviola torino sampdoria genoa palermo
barcelona barcelonafc fcbarcelona barca realmadrid halamadrid madrid atletico atleticomadrid sevilla valencia
america clubamerica chivas cruzazul bocajuniors riverplate liverpool liverpoolfc arsenal chelsea chelseafc
manchester manchesterunited manutd everton tottenham ferrari lamborghini maserati ducati vespa mercedes porsche
corvette mustang harley harleydavidson yamaha kawasaki suzuki honda toyota nissan michael michelle jessica jennifer
jordan jordan charlie ashley amanda andrew anthony nicole daniel daniela joshua matthew robert thomas william
victoria alexander alexandra alessandro alessandra alessia francesco francesca giuseppe giuseppina giovanni giovanna
giulia giuliana giorgia giorgio martina valentina valentino federica federico matteo lorenzo leonardo andrea antonio
antonella antonia marco mario maria mariarossi mariorossi luca luigi lucia laura elena elisa chiara sara sofia stefano
stefania roberto roberta paolo paola salvatore vincenzo domenico davide simone simona silvia claudia claudio
cristina cristian christian christina carlos carlitos alejandro alejandra fernando fernanda guadalupe jesus jesuscristo
jesuschrist jesusloves jesusislord gesu gesucristo dios diosesamor diosmio godisgood godislove god blessed blessing
faith heaven church bible trustno trustnoone whatever whatsup nothing nothingness something anything everything
unknown nobody somebody anonymous master masters masterkey mastermaster shadow shadows killer hunter hunters ranger
rangers warrior warriors soldier buster phoenix falcon eagle eagles wolf wolves panther cowboy cowboys yankees lakers
steelers redsox packers broncos raiders dallas chicago newyork newyorkcity london paris milano milanomilano torino
venezia firenze bologna italia italiaitalia forzaitalia vivaitalia italy spain espana españa mexico vivamexico
mexicolindo argentina colombia peru chile venezuela ecuador usa america england germany france europe computer
computers computador calcolatore laptop internet internetexplorer wireless network server database windows microsoft
apple google googlegoogle facebook facebookcom instagram twitter youtube linkedin whatsapp samsung iphone android
nintendo playstation xbox minecraft fortnite roblox office officeoffice ufficio oficina azienda impresa empresa
company business lavoro trabajo work working contabilita contabilidad amministrazione administracion segreteria
secretaria direzione direccion magazzino almacen fattura fatture factura facturas fatturazione facturacion banca banco
money moneymoney dinero soldi euro euros dollar dollars bitcoin crypto gennaio febbraio marzo aprile maggio giugno
luglio agosto settembre ottobre novembre dicembre enero febrero abril mayo junio julio septiembre octubre noviembre
diciembre january february march april june july august september october november december lunedi martedi mercoledi
giovedi venerdi sabato domenica lunes martes miercoles jueves viernes domingo monday tuesday wednesday thursday
friday saturday sunday spring summer autumn winter summertime winterwonderland primavera estate autunno inverno verano
otono invierno christmas natale navidad buonnatale feliznavidad feliznatale halloween pasqua easter birthday
happybirthday compleanno cumpleanos buongiorno buonasera buonanotte buenosdias buenasnoches goodmorning goodnight
goodbye arrivederci adios thankyou grazie graziemille gracias graciasadios perfavore porfavor please family famiglia
familia miafamiglia mifamilia mamma mammamia mammina mama mamapapa mamaypapa papa papino papamama mother father brother
sister fratello sorella hermano hermana nonna nonno abuela abuelo friends friend friendship bestfriend bestfriends
amici amico amica amigos amigo amiga amistad freedom liberta libertad liberty justice giustizia peace pace peaceandlove
happy happiness felicita felicidad felice feliz smile sorriso sonrisa music musica rockandroll rocknroll metallica
beatles nirvana eminem guitar chitarra guitarra piano dancer danza ballerina bailarina puppy puppylove kitty kitten
hellokitty gattino gatto gatito cane cagnolino perro perrito cavallo caballo horses horse turtle tartaruga tortuga
purple orange yellow green black white silver golden gold blue azzurro azul rosso rojo verde bianco blanco nero negro
pepper peppers ginger maggie bailey cooper jasper sophie lucky luckyluke fortuna suerte buonafortuna magic magician
mystery wizard merlin gandalf frodo hobbit lordoftherings harrypotter hogwarts dumbledore voldemort matrix terminator
rambo rocky skywalker lukeskywalker darthvader chewbacca yoda jedi simpsons homersimpson bartsimpson mickeymouse
donaldduck paperino topolino tinkerbell trillian snoopy garfield scooby scoobydoo winniethepooh bubbles bubba
correcthorsebatterystaple correcthorse thequickbrownfox openup opensesame opensesamo apritisesamo abretesesamo abrete
abcdef abcdefg abcdefgh abcdefghi abcdefghij abcdefghijkl abcabc aaaaaa xxxxxx zzzzzz asasas qqqqqq wwwwww
crmmail crm mail email pec postacertificata posta correo sendmail mailmail outlook gmail hotmail yahoo libero virgilio
administration manager director direttore director sales vendite ventas support soporte supporto assistenza helpdesk
service servicio servizio customer customers cliente clienti clientes fornitore fornitori proveedor proveedores
"""

LEAKED = Path(__file__).with_name("common_passwords.txt.gz")
"""18,000 passwords of public leaks, the most frequent ones (54 KB): the list of Django 5's
``CommonPasswordValidator`` (BSD licence, compiled by Royce Williams), without those of fewer than five characters."""

COMMON_PASSWORDS: frozenset[str] = frozenset(_WORDS.split()) | frozenset(
    gzip.decompress(LEAKED.read_bytes()).decode().split()
)
"""Lower-case passwords and words; see the module's text. Nothing is asked of a service: it works offline."""
