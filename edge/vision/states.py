"""States of issuance by the words that stand on their plates."""

from __future__ import annotations

from edge.vision.reader import UNKNOWN_STATE, StateReading
from edge.vision.text import edit_distance

NAMES = {
    "AL": "ALABAMA", "AK": "ALASKA", "AZ": "ARIZONA", "AR": "ARKANSAS", "CA": "CALIFORNIA",
    "CO": "COLORADO", "CT": "CONNECTICUT", "DC": "WASHINGTONDC", "DE": "DELAWARE",
    "FL": "FLORIDA", "GA": "GEORGIA", "HI": "HAWAII", "ID": "IDAHO", "IL": "ILLINOIS",
    "IN": "INDIANA", "IA": "IOWA", "KS": "KANSAS", "KY": "KENTUCKY", "LA": "LOUISIANA",
    "ME": "MAINE", "MD": "MARYLAND", "MA": "MASSACHUSETTS", "MI": "MICHIGAN",
    "MN": "MINNESOTA", "MS": "MISSISSIPPI", "MO": "MISSOURI", "MT": "MONTANA",
    "NE": "NEBRASKA", "NV": "NEVADA", "NH": "NEWHAMPSHIRE", "NJ": "NEWJERSEY",
    "NM": "NEWMEXICO", "NY": "NEWYORK", "NC": "NORTHCAROLINA", "ND": "NORTHDAKOTA",
    "OH": "OHIO", "OK": "OKLAHOMA", "OR": "OREGON", "PA": "PENNSYLVANIA",
    "PR": "PUERTORICO", "RI": "RHODEISLAND", "SC": "SOUTHCAROLINA", "SD": "SOUTHDAKOTA",
    "TN": "TENNESSEE", "TX": "TEXAS", "UT": "UTAH", "VT": "VERMONT", "VA": "VIRGINIA",
    "WA": "WASHINGTON", "WV": "WESTVIRGINIA", "WI": "WISCONSIN", "WY": "WYOMING",
}  # fmt: skip
"""USPS code to the name as capitals without spaces."""

SLOGANS = {
    "AL": ("HEARTOFDIXIE", "SWEETHOMEALABAMA", "STARSFELLONALABAMA"),
    "AK": ("THELASTFRONTIER",),
    "AZ": ("GRANDCANYONSTATE",),
    "AR": ("THENATURALSTATE",),
    "CT": ("CONSTITUTIONSTATE",),
    "DC": ("TAXATIONWITHOUTREPRESENTATION", "ACAPITALCITY", "CELEBRATEANDDISCOVER"),
    "DE": ("THEFIRSTSTATE",),
    "FL": ("SUNSHINESTATE", "MYFLORIDACOM", "INGODWETRUSTFLORIDA"),
    "GA": ("PEACHSTATE", "ONMYMIND"),
    "HI": ("ALOHASTATE",),
    "ID": ("FAMOUSPOTATOES", "SCENICIDAHO"),
    "IL": ("LANDOFLINCOLN",),
    "IN": ("CROSSROADSOFAMERICA", "HOOSIERSTATE", "THEHOOSIERSTATE"),
    "KY": ("BLUEGRASSSTATE", "UNBRIDLEDSPIRIT"),
    "LA": ("SPORTSMANSPARADISE", "LOUISIANAPURCHASE"),
    "ME": ("VACATIONLAND",),
    "MD": ("TREASURETHECHESAPEAKE", "MARYLANDPROUD"),
    "MA": ("THESPIRITOFAMERICA",),
    "MI": ("GREATLAKESSTATE", "GREATLAKESSPLENDOR", "PUREMICHIGAN", "WWWMICHIGANGOV"),
    "MN": ("10000LAKES", "EXPLOREMINNESOTA"),
    "MS": ("HOSPITALITYSTATE", "THEMAGNOLIASTATE"),
    "MO": ("SHOWMESTATE",),
    "MT": ("BIGSKYCOUNTRY", "TREASURESTATE"),
    "NE": ("CORNHUSKERSTATE",),
    "NV": ("THESILVERSTATE", "HOMEMEANSNEVADA"),
    "NH": ("LIVEFREEORDIE",),
    "NJ": ("GARDENSTATE",),
    "NM": ("LANDOFENCHANTMENT",),
    "NY": ("EMPIRESTATE", "EXCELSIOR", "THEEMPIRESTATE"),
    "NC": ("FIRSTINFLIGHT", "FIRSTINFREEDOM"),
    "ND": ("PEACEGARDENSTATE", "DISCOVERTHESPIRIT", "LEGENDARY"),
    "OH": ("BIRTHPLACEOFAVIATION", "THEHEARTOFITALL"),
    "OK": ("NATIVEAMERICA", "OKLAHOMAISOK"),
    "OR": ("PACIFICWONDERLAND",),
    "PA": ("KEYSTONESTATE", "VISITPACOM", "WWWSTATEPAUS", "MEMORIESLASTALIFETIME"),
    "RI": ("OCEANSTATE",),
    "SC": ("SMILINGFACESBEAUTIFULPLACES", "TRAVEL2SCCOM", "WHILEIBREATHEIHOPE"),
    "SD": ("GREATFACESGREATPLACES",),
    "TN": ("THEVOLUNTEERSTATE", "VOLUNTEERSTATE", "TNVACATIONCOM", "SOUNDSGOODTOME"),
    "TX": ("THELONESTARSTATE", "LONESTARSTATE"),
    "UT": ("GREATESTSNOWONEARTH", "LIFEELEVATED"),
    "VT": ("GREENMOUNTAINSTATE",),
    "VA": ("VIRGINIAISFORLOVERS",),
    "WA": ("EVERGREENSTATE",),
    "WV": ("WILDWONDERFUL", "MOUNTAINSTATE"),
    "WI": ("AMERICASDAIRYLAND",),
    "WY": ("FOREVERWEST", "LIKENOPLACEONEARTH"),
}
"""USPS code to the slogans of its plates as capitals and digits without spaces."""

MIN_SIMILARITY = 0.7
MAX_ALTERNATIVES = 5


def read_state(words: tuple[str, ...]) -> StateReading:
    """The state named by the lines of text on a plate (capitals and digits, without spaces).

    The confidence is the similarity of the best line with a state's name or slogan: one minus
    the edit distance over the longer length. A name outranks a slogan equally similar.
    """
    scores: dict[str, float] = {}
    for code, name in NAMES.items():
        phrases = ((name, 1.0), *((slogan, 0.99) for slogan in SLOGANS.get(code, ())))
        scores[code] = max(
            (_similarity(word, phrase) * weight for word in words for phrase, weight in phrases),
            default=0.0,
        )
    ranked = sorted(
        ((code, score) for code, score in scores.items() if score >= MIN_SIMILARITY),
        key=lambda pair: -pair[1],
    )[:MAX_ALTERNATIVES]
    return StateReading(*ranked[0], tuple(ranked)) if ranked else UNKNOWN_STATE


def _similarity(a: str, b: str) -> float:
    longer = max(len(a), len(b))
    if longer == 0 or abs(len(a) - len(b)) > longer * (1 - MIN_SIMILARITY):
        return 0.0
    return 1 - edit_distance(a, b) / longer
