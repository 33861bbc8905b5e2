"""What owners have written on their plates: words, names, numbers for sounds, and nonsense."""

from __future__ import annotations

import numpy as np

from models.training.plates.serials import DIGITS, LETTERS, Token

WORDS = (
    "LUCKY", "HAPPY", "SUNNY", "BEACH", "OCEAN", "RIVER", "HIKER", "SKIER", "BIKER", "GOLFER",
    "RACER", "PILOT", "SAILOR", "COWBOY", "DOCTOR", "NURSE", "TEACH", "COACH", "BOSS", "KING",
    "QUEEN", "PRINCE", "ANGEL", "DREAM", "MAGIC", "MUSIC", "DANCER", "ARTIST", "WRITER", "READER",
    "BAKER", "COOKIE", "CANDY", "SUGAR", "HONEY", "PEACH", "CHERRY", "LEMON", "MANGO", "COFFEE",
    "JAVA", "MOCHA", "WINE", "BEER", "PIZZA", "TIGER", "LION", "EAGLE", "HAWK", "FALCON", "WOLF",
    "BEAR", "MOOSE", "BUFFALO", "HORSE", "PONY", "KITTY", "DOGGY", "PUPPY", "RABBIT", "FOX",
    "SHARK", "WHALE", "DOLPHIN", "TURTLE", "GATOR", "COBRA", "VIPER", "MUSTANG", "VETTE", "CAMARO",
    "JEEP", "TRUCK", "TURBO", "ZOOM", "FAST", "SPEED", "RACE", "DRIFT", "CRUISE", "ROCKET", "JET",
    "FLYER", "HYBRID", "VOLT", "EV", "NOGAS", "GREEN", "SOLAR", "WINDY", "STORM", "SNOW", "WINTER",
    "SUMMER", "SPRING", "AUTUMN", "SUNSET", "SUNRISE", "MOON", "STAR", "COMET", "ORBIT", "SPACE",
    "GALAXY", "ATOM", "PHYSICS", "MATH", "CODE", "HACK", "LINUX", "NERD", "GEEK", "WIZARD", "NINJA",
    "SAMURAI", "VIKING", "PIRATE", "KNIGHT", "DRAGON", "PHOENIX", "PEACE", "LOVE", "FAITH", "HOPE",
    "GRACE", "BLESSED", "JOY", "SMILE", "LAUGH", "FUN", "PARTY", "DISCO", "JAZZ", "BLUES", "ROCK",
    "METAL", "DRUMS", "GUITAR", "PIANO", "VIOLIN", "OPERA", "BALLET", "SOCCER", "HOCKEY", "TENNIS",
    "SKATE", "SURF", "SWIM", "FISH", "HUNT", "CAMP", "TRAVEL", "WANDER", "NOMAD", "HOME", "FAMILY",
    "MOM", "DAD", "NANA", "PAPA", "GRAMPA", "GRANDMA", "SISTER", "TWINS", "BABY", "BRIDE",
    "RETIRED", "VACAY", "ALOHA", "CIAO", "HOLA", "BONJOUR", "ADIOS", "AMIGO", "ZEN", "YOGA",
    "NAMASTE", "KARMA", "CHILL", "RELAX", "ENJOY", "MONEY", "CASH", "RICH", "GOLD", "SILVER",
    "DIAMOND", "RUBY", "JADE", "OPAL", "PEARL", "STOCKS", "BROKER", "LAWYER", "JUDGE", "LEGAL",
    "JOHN", "MARY", "MIKE", "LISA", "DAVE", "SUSAN", "TOM", "ANNA", "JIM", "KATE", "BOB", "LINDA",
    "STEVE", "KAREN", "PAUL", "NANCY", "MARK", "DONNA", "GEORGE", "SARA", "KEVIN", "EMMA", "BRIAN",
    "OLIVIA", "JASON", "SOPHIA", "RYAN", "MIA", "JACOB", "ZOE", "ETHAN", "CHLOE", "LOGAN", "QUINN",
    "XAVIER", "YVONNE", "ZACK", "WANDA", "VICTOR", "URSULA", "TYLER", "QUEENIE", "IRIS", "IVY",
    "INGRID", "OSCAR", "OTTO", "ODESSA", "BOSTON", "TEXAS", "VEGAS", "MAUI", "PARIS", "ROMA",
    "TOKYO", "DUBLIN", "ITALIA", "POLSKA", "AMERICA", "USA", "NAVY", "ARMY", "USMC", "VET", "NO1",
    "HERO", "CHAMP", "WINNER", "TROPHY", "LEGEND", "ICON", "STUD", "DIVA", "GLAM", "SASSY",
    "SPOILED", "PRETTY", "CUTIE", "BELLA",
)  # fmt: skip
HEADS = ("MY", "IM", "I", "THE", "BIG", "LIL", "MR", "MS", "DR", "GO", "U", "WE", "ILUV", "LV", "4",
         "2", "1", "NO", "OLD", "HOT", "B", "GR8", "XO", "OH", "ITS")  # fmt: skip
TAILS = ("1", "2", "4U", "2U", "S", "R", "ER", "Z", "GUY", "GAL", "MOM", "DAD", "MAN", "CAR", "FAN",
         "UP", "ON", "IT", "ME", "007", "88", "99", "65", "GT", "SS", "XX", "01", "33")  # fmt: skip
SOUNDS = {"ATE": "8", "FOR": "4", "TO": "2", "ONE": "1", "EA": "E", "CK": "K", "CE": "S", "OU": "U",
          "YOU": "U", "ARE": "R", "OO": "U", "PH": "F", "S": "Z", "EE": "3", "E": "3",
          "A": "4"}  # fmt: skip
VOWELS = "AEIOU"
CLEAR = "".join(char for char in LETTERS if char not in "OI")
"""Letters that no press makes like a digit: beside digits, an O or I could not be told."""


def _pick(rng: np.random.Generator, options: tuple[str, ...] | list[str] | str) -> str:
    return options[int(rng.integers(len(options)))]


def text(rng: np.random.Generator, most: int = 7) -> str:
    """Two to ``most`` characters that somebody might have asked for."""
    while True:
        made = _attempt(rng)
        if 2 <= len(made) <= most:
            return made


def _attempt(rng: np.random.Generator) -> str:
    kind = rng.random()
    word = _pick(rng, WORDS)
    if kind < 0.26:
        return word
    if kind < 0.38:
        return _pick(rng, HEADS) + word
    if kind < 0.52:
        return word + _pick(rng, TAILS)
    if kind < 0.62:
        for sound, mark in rng.permutation(list(SOUNDS.items())):
            if str(sound) in word:
                return word.replace(str(sound), str(mark))
        return word
    if kind < 0.70:
        return word[0] + "".join(char for char in word[1:] if char not in VOWELS)
    if kind < 0.78:
        initials = "".join(_pick(rng, CLEAR) for _ in range(int(rng.integers(1, 4))))
        number = "".join(_pick(rng, DIGITS) for _ in range(int(rng.integers(1, 5))))
        return initials + number if rng.random() < 0.6 else number + initials
    if kind < 0.88:
        made = ""
        for index in range(int(rng.integers(3, 8))):
            made += _pick(rng, VOWELS if index % 2 == 0 else LETTERS)
        return made[int(rng.integers(0, 2)) :]
    length = int(rng.integers(2, 9))
    return "".join(_pick(rng, CLEAR + DIGITS) for _ in range(length))


def tokens(rng: np.random.Generator, most: int = 7) -> tuple[Token, ...]:
    """A personalised serial, sometimes in two groups."""
    made = text(rng, most)
    line = [Token("char", char) for char in made]
    if len(made) > 3 and rng.random() < 0.18:
        mark = str(
            rng.choice(["gap", "dash", "thin", "emblem", "dot"], p=[0.5, 0.2, 0.1, 0.15, 0.05])
        )
        line.insert(int(rng.integers(1, len(made))), Token(mark))
    return tuple(line)
