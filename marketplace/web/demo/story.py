"""Who and what is in the demo: names, fields, projects. Everything invented."""

from __future__ import annotations

from dataclasses import dataclass

HOST = "demo.guildhall.invalid"
PASSWORD = "guildhall-demo"  # noqa: S105 printed on purpose; DEMO goes with DEBUG only
DAYS = 24


@dataclass(frozen=True)
class Field:
    """A domain with its test."""

    slug: str
    name: str
    degree: str


@dataclass(frozen=True)
class Lab:
    """A client with the people who act for it."""

    slug: str
    name: str
    owner: str
    reviewer: str


@dataclass(frozen=True)
class Work:
    """A project: which lab, which field, how many tasks, what an answer is paid (minor units)."""

    lab: str
    field: str
    title: str
    summary: str
    format: str
    tasks: int
    price_minor: int


FIELDS = (
    Field("medicine", "Medicine", "Doctor of Medicine"),
    Field("law", "Law", "Master of Laws"),
    Field("physics", "Physics", "MSc Physics"),
    Field("software", "Software engineering", "BSc Computer Science"),
)
LABS = (
    Lab("northwind", "Northwind Models", "Hanna Okafor", "Luis Prado"),
    Lab("alder", "Alder Research", "Yuki Tanabe", "Sofia Brandt"),
    Lab("meridian", "Meridian AI", "David Osei", "Clara Novak"),
    Lab("harbour", "Harbour Lab", "Ida Sommer", "Niko Vale"),
)
WORKS = (
    Work(
        "northwind",
        "medicine",
        "Clinical answers, compared",
        "Which of two answers would you let a junior doctor read?",
        "preference",
        92,
        420,
    ),
    Work(
        "northwind",
        "physics",
        "Worked physics problems",
        "Two solutions to one problem. Prefer the one whose reasoning holds.",
        "preference",
        92,
        300,
    ),
    Work(
        "alder",
        "software",
        "Code review judgement",
        "Two answers to a developer's question. Prefer what you would merge.",
        "preference",
        92,
        350,
    ),
    Work(
        "alder",
        "software",
        "Support tickets by cause",
        "Name the cause of each ticket, so that a model learns to route them.",
        "classification",
        64,
        120,
    ),
    Work(
        "meridian",
        "law",
        "Everyday legal questions",
        "Two answers to a lay person. Prefer the one that would not mislead.",
        "preference",
        78,
        380,
    ),
    Work(
        "harbour",
        "software",
        "Tool use, step by step",
        "Two ways an assistant used its tools. Prefer the one you would let run unattended.",
        "preference",
        40,
        320,
    ),
)
# The lab of the operator itself: budgets under purchase orders, two people on its payroll.
OWN_LAB = "harbour"
EMPLOYED = frozenset({"Pavel Dvorak", "Hiro Sato"})
ON_CREDIT = "meridian"
CONTESTED = "alder"
REFUNDED = "northwind"
# The project of the live run: it has a batch only while `make demo` shows the main job.
LIVE = Work(
    "alder",
    "software",
    "Live: questions from the issue tracker",
    "A small batch that runs from import to payout while you watch.",
    "preference",
    120,
    350,
)
GUIDELINE = """## What good looks like

1. Read both answers to the end before you judge.
2. Correctness first, then completeness, then clarity. Length is not a virtue.
3. An answer that states something false and sure of itself loses, however well it reads.

## 2.1 What is refused

Rationales that do not point at the text, answers copied from elsewhere, labels chosen at random.
"""
TERMS = (
    "Your judgements are used to train and evaluate this client's language models. They are not"
    " published. Your name is never passed on."
)
# Name, country, time zone, fields, accuracy.
EXPERTS = (
    ("Amara Osei", "GB", "Europe/London", ("medicine",), 0.94),
    ("Bruno Keller", "DE", "Europe/Berlin", ("physics", "software"), 0.91),
    ("Chiara Lodi", "IT", "Europe/Rome", ("law",), 0.93),
    ("Daniel Mbeki", "US", "America/Chicago", ("software",), 0.88),
    ("Elif Aydin", "NL", "Europe/Amsterdam", ("medicine",), 0.86),
    ("Farah Haddad", "FR", "Europe/Paris", ("law",), 0.82),
    ("Gustav Lind", "SE", "Europe/Stockholm", ("physics",), 0.95),
    ("Hiro Sato", "US", "America/Los_Angeles", ("software",), 0.92),
    ("Ines Duarte", "PT", "Europe/Lisbon", ("medicine", "law"), 0.79),
    ("Jakub Maly", "CZ", "Europe/Prague", ("physics", "software"), 0.84),
    ("Kwame Boateng", "GB", "Europe/London", ("law",), 0.90),
    ("Lena Fischer", "AT", "Europe/Vienna", ("medicine",), 0.91),
    ("Marek Zielak", "PL", "Europe/Warsaw", ("software",), 0.77),
    ("Noor Rahman", "CA", "America/Toronto", ("physics",), 0.89),
    ("Olivia Hart", "US", "America/New_York", ("law",), 0.95),
    ("Pavel Dvorak", "CZ", "Europe/Prague", ("software", "physics"), 0.93),
    ("Quinn Avery", "IE", "Europe/Dublin", ("medicine",), 0.83),
    ("Rosa Ibarra", "ES", "Europe/Madrid", ("law", "software"), 0.87),
    ("Stefan Weiss", "CH", "Europe/Zurich", ("physics",), 0.80),
    ("Tara Nolan", "US", "America/Denver", ("medicine",), 0.96),
    ("Ugo Ferri", "IT", "Europe/Rome", ("software",), 0.70),
    ("Vera Holm", "DK", "Europe/Copenhagen", ("physics", "law"), 0.90),
    ("Wim de Boer", "BE", "Europe/Brussels", ("software",), 0.85),
    ("Xenia Popov", "FI", "Europe/Helsinki", ("medicine",), 0.88),
)
# Asks for medicine with a paper that is no degree, and is declined by two people.
DECLINED = ("Zoe Martin", "FR", "Europe/Paris", ("medicine",), 0.9)
# Waits for vetting when a visitor comes.
WAITING = ("Yara Lindqvist", "SE", "Europe/Stockholm", ("medicine",), 0.9)
REFUSAL = (
    "The certificate is from a course of two days and names no university. Medicine on this"
    " instance asks for a medical degree, because answers here may be read by clinicians."
)
REJECTION = (
    "Section 2.1: the rationale does not point at anything in the two answers, and the preferred"
    " one contains the very mistake that the guidelines describe in rule 3."
)
CHANGES = "Please name the step in answer B that fails; the rationale stops before it."
