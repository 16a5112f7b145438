"""Names and places the invented buyers are put together from. No real person is meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pool:
    first: tuple[str, ...]
    last: tuple[str, ...]
    streets: tuple[str, ...]
    street: str  # how street and number are put together
    second: str  # the second address line
    places: tuple[tuple[str, str, str], ...]  # city, region, postcode
    phone: str  # numbers that are reserved or plainly invented


_US = Pool(
    first=("Dana", "Marcus", "Priya", "Elena", "Tyrone", "Grace", "Owen", "Lucia"),
    last=("Sample", "Testwood", "Fakely", "Mockridge", "Demoson", "Placeholt"),
    streets=("Maple Ave", "Oak Ridge Rd", "2nd St", "Lakeview Dr", "Hickory Ln"),
    street="{number} {street}",
    second="Apt {n}",
    places=(
        ("Springfield", "IL", "62701"),
        ("Austin", "TX", "78701"),
        ("Portland", "OR", "97201"),
        ("Columbus", "OH", "43004"),
        ("Savannah", "GA", "31401"),
    ),
    phone="+1 555-01{n:03d}",
)
_GB = Pool(
    first=("Alistair", "Fiona", "Harriet", "Callum", "Zara", "Imran", "Rhys"),
    last=("Sampleton", "Mockford", "Testerby", "Fakenham-Demo", "Exampleby"),
    streets=("Example Road", "Church Lane", "Mill Street", "Queens Terrace"),
    street="{number} {street}",
    second="Flat {n}",
    places=(
        ("London", "", "SW1A 1AA"),
        ("Leeds", "West Yorkshire", "LS1 4DY"),
        ("Cardiff", "", "CF10 1EP"),
        ("Edinburgh", "", "EH1 1YZ"),
    ),
    phone="020 7946 0{n:03d}",
)
_DE = Pool(
    first=("Erika", "Jürgen", "Max", "Änne", "Sören", "Gül", "Käthe", "Björn"),
    last=("Mustermann", "Beispiel", "Probst-Test", "Groß-Muster", "Demoschön"),
    streets=("Musterstraße", "Am Testfeld", "Beispielweg", "Lindenallee"),
    street="{street} {number}",
    second="Hinterhaus {n}. OG",
    places=(
        ("Berlin", "Berlin", "10115"),
        ("Köln", "Nordrhein-Westfalen", "50667"),
        ("München", "Bayern", "80331"),
        ("Dresden", "Sachsen", "01067"),
    ),
    phone="+49 30 23125{n:03d}",
)
_FR = Pool(
    first=("Amélie", "Théo", "Chloé", "Régis", "Noémie"),
    last=("Exemple", "Dutest", "Lemodèle", "Fictif"),
    streets=("rue de l'Exemple", "avenue du Test", "place Modèle"),
    street="{number} {street}",
    second="Bâtiment {n}",
    places=(("Paris", "", "75011"), ("Lyon", "", "69003"), ("Nantes", "", "44000")),
    phone="+33 1 99 00 {n:04d}",
)
_IT = Pool(
    first=("Chiara", "Niccolò", "Giulia", "Paolo"),
    last=("Esempio", "Provalli", "Fintoni"),
    streets=("Via dell'Esempio", "Corso Prova", "Piazza Campione"),
    street="{street}, {number}",
    second="Interno {n}",
    places=(("Milano", "MI", "20121"), ("Torino", "TO", "10121"), ("Bari", "BA", "70121")),
    phone="+39 02 5550 {n:04d}",
)
_CA = Pool(
    first=("Sophie", "Liam", "Noor", "Étienne"),
    last=("Sampleau", "Testmore", "Demochuk"),
    streets=("Maple Cres", "Rue Exemple", "Harbour St"),
    street="{number} {street}",
    second="Unit {n}",
    places=(("Toronto", "ON", "M5V 2T6"), ("Montréal", "QC", "H2Y 1C6")),
    phone="+1 416-555-0{n:03d}",
)
_AU = Pool(
    first=("Bindi", "Lachlan", "Matilda", "Kai"),
    last=("Sampleworth", "Testbrook"),
    streets=("Wattle St", "Example Pde"),
    street="{number} {street}",
    second="Unit {n}",
    places=(("Melbourne", "VIC", "3000"), ("Perth", "WA", "6000")),
    phone="+61 2 5550 {n:04d}",
)
_JP = Pool(
    first=("太郎", "花子", "健太", "美咲", "翔"),
    last=("見本", "試験", "例田", "仮山"),
    streets=("見本町", "例示台", "試験通り"),
    street="{street}1-{number}",
    second="見本マンション{n}号室",
    places=(
        ("千代田区", "東京都", "100-0001"),
        ("大阪市北区", "大阪府", "530-0001"),
        ("札幌市中央区", "北海道", "060-0001"),
    ),
    phone="03-0000-{n:04d}",
)
_RU = Pool(
    first=("Анна", "Дмитрий", "Ольга", "Тимур", "Алёна"),
    last=("Примерова", "Тестов", "Образцова", "Демченко"),
    streets=("ул. Примерная", "пр. Тестовый", "пер. Образцовый"),
    street="{street}, д. {number}",
    second="кв. {n}",
    places=(
        ("Москва", "Москва", "101000"),
        ("Казань", "Республика Татарстан", "420000"),
        ("Новосибирск", "Новосибирская область", "630000"),
        ("Санкт-Петербург", "Санкт-Петербург", "190000"),
    ),
    phone="79000000{n:03d}",
)

PEOPLE = {
    "US": _US, "GB": _GB, "DE": _DE, "FR": _FR, "IT": _IT,
    "CA": _CA, "AU": _AU, "JP": _JP, "RU": _RU,
}  # fmt: skip
