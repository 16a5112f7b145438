"""What is in an order, in nobody's words: invented buyers, plausible goods, exact amounts.

Everything follows from (seed, account, serial): the same order always looks the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from platforms.emulator.book import Record
from platforms.emulator.people import PEOPLE

# sku, price in USD, title in English, German, Japanese, Russian
PRODUCTS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("LED-STR-5M", "12.99", "LED Strip Lights 5m RGB with Remote, USB Powered",
     "LED Streifen 5m RGB mit Fernbedienung, USB", "LEDテープライト 5m RGB リモコン付き",
     "Светодиодная лента RGB 5 м с пультом"),
    ("PHN-CASE-CLR", "7.49", "Clear Shockproof Phone Case for 6.1 inch, Slim Fit",
     "Handyhülle transparent stoßfest für 6,1 Zoll", "クリアスマホケース 6.1インチ 耐衝撃",
     "Прозрачный чехол для смартфона 6,1 дюйма"),
    ("YOGA-MAT-TPE", "24.90", "TPE Yoga Mat 6mm Non-Slip with Carry Strap",
     "Yogamatte TPE 6mm rutschfest mit Tragegurt", "ヨガマット TPE 6mm 滑り止め ストラップ付き",
     "Коврик для йоги TPE 6 мм нескользящий"),
    ("CBL-USBC-3P", "9.99", "USB-C Cable 3-Pack 2m Fast Charging Nylon Braided",
     "USB-C Kabel 3er-Pack 2m Schnellladen Nylon", "USB-C ケーブル 3本セット 2m 急速充電",
     "Кабель USB-C 2 м, комплект из 3 шт."),
    ("PET-BRUSH-S", "11.50", "Self-Cleaning Pet Grooming Brush for Cats and Dogs",
     "Selbstreinigende Fellbürste für Hunde und Katzen", "ペット用ブラシ 自動毛除去 犬猫兼用",
     "Самоочищающаяся щётка для кошек и собак"),
    ("KTCH-SCALE-5K", "14.20", "Digital Kitchen Scale 5kg Stainless Steel, Tare",
     "Digitale Küchenwaage 5kg Edelstahl", "デジタルキッチンスケール 5kg ステンレス",
     "Кухонные весы электронные до 5 кг"),
    ("SOLAR-GRD-8", "32.00", "Solar Garden Lights 8 Pack Waterproof Warm White",
     "Solar Gartenleuchten 8er Set wasserdicht warmweiß", "ソーラーガーデンライト 8個 防水 電球色",
     "Садовые светильники на солнечной батарее, 8 шт."),
    ("BAG-CROSS-BK", "21.75", "Crossbody Sling Bag Water Resistant, Black",
     "Umhängetasche wasserabweisend, schwarz", "ボディバッグ 撥水 ブラック",
     "Сумка через плечо водоотталкивающая, чёрная"),
    ("TOY-MAG-100", "29.99", "Magnetic Building Tiles 100 Pieces, Ages 3+",
     "Magnetische Bausteine 100 Teile ab 3 Jahren", "マグネットブロック 100ピース 3歳以上",
     "Магнитный конструктор 100 деталей, от 3 лет"),
    ("WATCH-BND-20", "6.80", "Silicone Watch Band 20mm Quick Release",
     "Silikon Uhrenarmband 20mm Schnellverschluss", "シリコン時計バンド 20mm クイックリリース",
     "Силиконовый ремешок для часов 20 мм"),
    ("CAMP-LANT-R", "18.40", "Rechargeable Camping Lantern 1000lm, 4 Modes",
     "Campinglampe wiederaufladbar 1000lm, 4 Modi", "充電式キャンプランタン 1000lm 4モード",
     "Кемпинговый фонарь аккумуляторный 1000 лм"),
    ("DESK-ORG-WD", "26.10", "Bamboo Desk Organizer with Drawer",
     "Schreibtisch-Organizer Bambus mit Schublade", "竹製デスクオーガナイザー 引き出し付き",
     "Органайзер для стола из бамбука с ящиком"),
    ("DRILL-BIT-13", "15.60", "HSS Titanium Drill Bit Set 13 Pieces 1.5-6.5mm",
     "HSS Titan Bohrer Set 13-teilig 1,5-6,5mm", "HSS チタンドリルビット 13本セット",
     "Набор свёрл по металлу HSS, 13 шт."),
    ("NAIL-LAMP-48", "19.99", "UV LED Nail Lamp 48W with Timer",
     "UV LED Nageltrockner 48W mit Timer", "UV LED ネイルライト 48W タイマー付き",
     "Лампа для сушки гель-лака UV LED 48 Вт"),
)  # fmt: skip
LANGUAGE = {"DE": 3, "AT": 3, "JP": 4, "RU": 5}  # column of the title; English elsewhere

RATES = {"USD": "1", "EUR": "0.92", "GBP": "0.79", "CAD": "1.36", "AUD": "1.52",
         "JPY": "150", "CNY": "7.2", "RUB": "90"}  # fmt: skip
VAT = {"DE": "0.19", "GB": "0.20", "FR": "0.20", "IT": "0.22", "JP": "0.10", "US": "0.0825",
       "CA": "0.13"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Line:
    number: str  # ten digits, unique within the emulator
    sku: str
    title: str
    quantity: int
    unit: Decimal
    discount: Decimal  # of the whole line, zero or positive
    shipping: Decimal
    tax: Decimal
    item: str  # the listing's number, the same for the same product

    @property
    def goods(self) -> Decimal:
        return self.unit * self.quantity

    @property
    def total(self) -> Decimal:
        return self.goods - self.discount + self.shipping + self.tax


@dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    handle: str
    line1: str
    line2: str
    city: str
    region: str
    postcode: str
    country: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    currency: str
    lines: tuple[Line, ...]
    buyer: Person
    note: str
    chance: float  # 0..1, for what only one platform knows

    def sum(self, name: str) -> Decimal:
        return sum((getattr(line, name) for line in self.lines), Decimal(0))


def quantum(currency: str) -> Decimal:
    return Decimal(1) if currency == "JPY" else Decimal("0.01")


def _money(value: Decimal, currency: str) -> Decimal:
    return value.quantize(quantum(currency), rounding=ROUND_HALF_UP)


def person(rng: random.Random, country: str) -> Person:
    pool = PEOPLE[country]
    first, last = rng.choice(pool.first), rng.choice(pool.last)
    city, region, postcode = rng.choice(pool.places)
    number = rng.randint(1, 140)
    name = f"{last} {first}" if country == "JP" else f"{first} {last}"
    return Person(
        name=name,
        handle=f"emu_{country.lower()}_{rng.randint(1000, 9999)}",
        line1=pool.street.format(street=rng.choice(pool.streets), number=number),
        line2=pool.second.format(n=rng.randint(1, 40)) if rng.random() < 0.25 else "",
        city=city,
        region=region,
        postcode=postcode,
        country=country,
        phone=pool.phone.format(n=rng.randint(0, 999)),
    )


def _line(rng: random.Random, index: int, base: int, country: str, currency: str) -> Line:
    chosen = rng.randrange(len(PRODUCTS))
    product = PRODUCTS[chosen]
    unit = _money(Decimal(product[1]) * Decimal(RATES[currency]), currency)
    quantity = rng.choices((1, 2, 3, 5), (72, 18, 7, 3))[0]
    goods = unit * quantity
    discount = _money(goods * Decimal("0.1"), currency) if rng.random() < 0.18 else Decimal(0)
    shipping = rng.choice(("0", "0", "3.99", "4.99"))
    fee = _money(Decimal(shipping) * Decimal(RATES[currency]), currency)
    rate = Decimal(VAT.get(country, "0"))
    return Line(
        number=f"{base % 10**8:08d}{index:02d}",
        sku=product[0],
        title=product[LANGUAGE.get(country, 2)],
        quantity=quantity,
        unit=unit,
        discount=discount,
        shipping=fee,
        tax=_money((goods - discount) * rate, currency),
        item=f"1{chosen:011d}",
    )


def facts(
    *, owner: str, record: Record, number: str, country: str, currency: str, seed: int
) -> Facts:
    """The content of one order. A partially shipped order has at least two lines."""
    rng = random.Random(f"{seed}/{owner}/{record.serial}")
    count = rng.choices((1, 2, 3, 5), (66, 22, 9, 3))[0]
    if record.stage == "partial":
        count = max(count, 2)
    buyer = person(rng, country)
    return Facts(
        buyer=buyer,
        note="Please leave the parcel with a neighbour." if rng.random() < 0.06 else "",
        chance=rng.random(),
        currency=currency,
        lines=tuple(
            _line(rng, index, int(number), country, currency) for index in range(1, count + 1)
        ),
    )
