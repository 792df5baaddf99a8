"""Prompts and answers of the demo, made from a seed. Everything here was written for it.

Each pair has one answer that is right and one that is wrong in a way an expert of the field sees.
The side of the right answer is drawn, so the truth of a pair is known to the seed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Pair:
    """A preference task with the side that is right: `a` or `b`."""

    prompt: str
    response_a: str
    response_b: str
    truth: str


@dataclass(frozen=True)
class Ticket:
    """A classification task with its right label."""

    text: str
    truth: str


@dataclass(frozen=True)
class _Case:
    prompt: str
    right: str
    wrong: str


TICKET_LABELS = ("billing", "access", "bug", "question")


def pairs(domain: str, *, count: int, seed: int) -> Iterator[Pair]:
    """`count` pairs of one domain, all different, the same for the same seed."""
    draw = Random(f"{domain}:{seed}")  # noqa: S311 a reproducible demo, not a secret
    seen: set[str] = set()
    while len(seen) < count:
        case = draw.choice(_MAKERS[domain])(draw)
        if case.prompt in seen:
            continue
        seen.add(case.prompt)
        if draw.random() < 0.5:
            yield Pair(case.prompt, case.right, case.wrong, "a")
        else:
            yield Pair(case.prompt, case.wrong, case.right, "b")


def tickets(*, count: int, seed: int) -> Iterator[Ticket]:
    """`count` support tickets with one right label each."""
    draw = Random(f"tickets:{seed}")  # noqa: S311 a reproducible demo, not a secret
    for number in range(count):
        label = draw.choice(TICKET_LABELS)
        text = draw.choice(_TICKETS[label]).format(
            order=40_000 + number * 7, product=draw.choice(_PRODUCTS), days=draw.randint(2, 30)
        )
        yield Ticket(text, label)


# Medicine ---------------------------------------------------------------------------------------


def _paediatric_dose(draw: Random) -> _Case:
    weight = draw.randint(9, 38)
    total = weight * 50
    return _Case(
        f"A child of {weight} kg with otitis media is to get amoxicillin 50 mg/kg per day in two"
        " doses. What is the single dose, and what must I check first?",
        f"50 mg/kg × {weight} kg = {total} mg per day, so **{total // 2} mg twice a day**.\n\n"
        "Before prescribing: ask about penicillin allergy and earlier reactions, kidney function if"
        " there is a reason to doubt it, and whether watchful waiting is an option at this age.",
        f"The dose is {total} mg twice a day (50 mg/kg × {weight} kg).\n\nNo checks are needed,"
        " amoxicillin is safe for everybody.",
    )


def _renal_function(draw: Random) -> _Case:
    age, weight = draw.randint(66, 89), draw.randint(52, 88)
    return _Case(
        f"A {age}-year-old woman of {weight} kg with atrial fibrillation starts a direct oral"
        " anticoagulant. Her creatinine is in the normal range. Can I skip estimating clearance?",
        "No. A creatinine inside the laboratory range can hide a clearance well below 50 mL/min in"
        f" an older woman of {weight} kg, because she has less muscle. Estimate it with"
        " Cockcroft–Gault (the formula the dosing tables were built on), check interacting drugs,"
        " and look again at least once a year.",
        "Yes. A creatinine in the normal range proves that the kidneys work normally at any age, so"
        " the standard dose is right and no follow-up of kidney function is needed.",
    )


def _screening(draw: Random) -> _Case:
    prevalence, sensitivity, specificity = draw.choice([1, 2, 5]), 90, draw.choice([90, 95])
    sick, well = prevalence * 10 * sensitivity / 100, (1000 - prevalence * 10) * (100 - specificity)
    positive = sick / (sick + well / 100)
    return _Case(
        f"A test has {sensitivity} % sensitivity and {specificity} % specificity. In a group where"
        f" {prevalence} % have the disease, how likely is disease after a positive result?",
        f"Take 1,000 people: {prevalence * 10} are ill, of whom {sick:.0f} test positive;"
        f" {1000 - prevalence * 10} are well, of whom {well / 100:.0f} test positive. So about"
        f" **{positive:.0%}** of positive results are true.",
        f"The test is right {sensitivity} % of the time, so a positive result means that disease is"
        f" {sensitivity} % likely, whatever the group.",
    )


# Law --------------------------------------------------------------------------------------------


def _withdrawal(draw: Random) -> _Case:
    day, month = draw.randint(1, 16), draw.choice(["March", "May", "July", "October"])
    return _Case(
        f"A consumer ordered shoes online and received them on {day} {month}. Under a statutory"
        " withdrawal period of 14 days from delivery, until when can she withdraw, and must she say"
        " why?",
        f"The period runs from the day after delivery, so it ends at the close of"
        f" **{day + 14} {month}**. She need not give a reason; an unambiguous statement is enough."
        " If that day is a non-working day, check whether the applicable law moves the end.",
        f"The period runs from the day of the order and ends on {day + 10} {month}. She must give a"
        " written reason which the seller may refuse.",
    )


def _hearsay(draw: Random) -> _Case:
    thing = draw.choice(["a red van", "a man with a limp", "a blue door", "a broken lock"])
    return _Case(
        f"A witness wants to testify that a neighbour told her he had seen {thing} that night. It is"
        " offered to prove that this was so. Is it hearsay?",
        "Yes: an out-of-court statement offered for the truth of what it asserts. The neighbour"
        " himself must testify unless an exception applies, for example an excited utterance made"
        " under the stress of the event.",
        "No. Hearsay means rumours of unknown origin. Since the witness can name the neighbour, she"
        " may repeat what he said and the court may rely on it.",
    )


def _notice(draw: Random) -> _Case:
    months, rent = draw.choice([1, 2, 3]), draw.randint(7, 19) * 100
    return _Case(
        f"A lease allows termination on {months} months' written notice. The tenant sends a text"
        f" message and stops paying the rent of {rent}. Has the lease ended?",
        "Not safely. Where the contract asks for written notice, whether a text message meets it"
        " depends on the form clause and the law of the place; until valid notice has run,"
        f" {rent} a month stays owed. He should give notice in the agreed form now and keep proof"
        " of delivery.",
        "Yes. A text message always counts as writing, and the duty to pay ends on the day it is"
        " sent, so nothing is owed for the notice period.",
    )


# Physics ----------------------------------------------------------------------------------------


def _free_fall(draw: Random) -> _Case:
    height = draw.randint(5, 95)
    time = (2 * height / 9.81) ** 0.5
    return _Case(
        f"A stone falls from rest through {height} m. Neglect the air. How long does it fall, and"
        " how fast is it at the end?",
        f"$h = \\tfrac12 g t^2$ gives $t = \\sqrt{{2h/g}} = {time:.2f}$ s, and"
        f" $v = g t = {9.81 * time:.1f}$ m/s.",
        f"$h = g t$ gives $t = {height / 9.81:.2f}$ s. A heavier stone would need less time.",
    )


def _lens(draw: Random) -> _Case:
    focal, distance = draw.choice([10, 15, 20]), draw.randint(25, 80)
    image = 1 / (1 / focal - 1 / distance)
    return _Case(
        f"An object stands {distance} cm in front of a thin converging lens with focal length"
        f" {focal} cm. Where is the image, and which way up is it?",
        f"$1/f = 1/d_o + 1/d_i$, so $d_i = {image:.1f}$ cm on the far side. The magnification"
        f" $-d_i/d_o = {-image / distance:.2f}$ is negative: the image is real and inverted.",
        f"$d_i = d_o - f = {distance - focal}$ cm on the same side as the object. Converging lenses"
        " always give upright virtual images.",
    )


def _circuit(draw: Random) -> _Case:
    first, second, volts = draw.randint(2, 9) * 10, draw.randint(2, 9) * 10, draw.choice([6, 9, 12])
    total = first * second / (first + second)
    return _Case(
        f"Resistors of {first} Ω and {second} Ω are in parallel across {volts} V. What current does"
        " the battery deliver?",
        f"$R = \\frac{{R_1 R_2}}{{R_1 + R_2}} = {total:.1f}$ Ω, so $I = U/R = {volts / total:.2f}$ A."
        " Each branch sees the full voltage; the currents add.",
        f"The resistances add to {first + second} Ω, so the current is"
        f" {volts / (first + second):.2f} A, and it is used up on the way.",
    )


# Software ---------------------------------------------------------------------------------------


def _default_argument(draw: Random) -> _Case:
    name, first, second = draw.choice(["basket", "queue", "rows"]), *draw.sample(range(1, 60), 2)
    return _Case(
        f"What does this print, and how would you mend it?\n\n```python\ndef add(item, {name}=[]):\n"
        f"    {name}.append(item)\n    return {name}\n\nadd({first})\nprint(add({second}))\n```",
        f"It prints `[{first}, {second}]`: the default list is made once, when `def` runs, and is"
        f" shared by all calls. Use `{name}=None` and make the list inside:\n\n```python\n"
        f"def add(item, {name}=None):\n    {name} = [] if {name} is None else {name}\n"
        f"    {name}.append(item)\n    return {name}\n```",
        f"It prints `[{second}]`, because every call gets a fresh list. There is nothing to mend.",
    )


def _slow_query(draw: Random) -> _Case:
    table, column = draw.choice(["orders", "events", "visits"]), draw.choice(["email", "name"])
    return _Case(
        f"`SELECT * FROM {table} WHERE lower({column}) = 'x'` is slow although there is an index on"
        f" `{column}`. Why, and what helps?",
        f"The index holds `{column}`, not `lower({column})`, so it cannot be used for this"
        f" condition. Add an expression index, `CREATE INDEX ON {table} (lower({column}))`, check"
        " with `EXPLAIN (ANALYZE, BUFFERS)`, and select only the columns you need.",
        "The planner is confused because the index is too old. Rebuild all indexes every night and"
        " add the hint `USE INDEX`; PostgreSQL will then always use it.",
    )


def _race(draw: Random) -> _Case:
    thing = draw.choice(["seat", "voucher", "licence", "slot"])
    return _Case(
        f"Two requests at once both book the last {thing}: each reads `left = 1`, then writes"
        " `left = 0`. How do I stop that in PostgreSQL?",
        f"Make reading and writing one step: `UPDATE {thing}s SET left = left - 1 WHERE id = $1 AND"
        " left > 0 RETURNING left`; no row back means it is gone. Or lock the row first with `SELECT"
        " … FOR UPDATE`. Keep a `CHECK (left >= 0)` as the last word.",
        "Wrap both statements in a transaction. At the default isolation level PostgreSQL then runs"
        " the two requests one after the other, so nothing else is needed.",
    )


_Maker = Callable[[Random], _Case]
_MAKERS: dict[str, tuple[_Maker, ...]] = {
    "medicine": (_paediatric_dose, _renal_function, _screening),
    "law": (_withdrawal, _hearsay, _notice),
    "physics": (_free_fall, _lens, _circuit),
    "software": (_default_argument, _slow_query, _race),
}
_PRODUCTS = ("Harbour", "Lantern", "Orchard", "Tidemark")
_TICKETS = {
    "billing": (
        "I was charged twice for order {order}. Please refund one of the two payments.",
        "The invoice for {product} of {days} days ago shows the wrong VAT number.",
        "Why did the price of {product} rise on my last bill (order {order})?",
    ),
    "access": (
        "My sign-in code for {product} never arrives. I have waited {days} minutes.",
        "A colleague left {days} days ago; please move her {product} seat to me (order {order}).",
        "I lost my phone and cannot pass the second step of {product} any more.",
    ),
    "bug": (
        "{product} closes when I export more than {days} pages. It worked before order {order}.",
        "Saving in {product} shows a spinner for ever since the update {days} days ago.",
        "Dates in {product} are shown a day early in my time zone, see order {order}.",
    ),
    "question": (
        "Can {product} import a file of {days} MB, or is there a limit?",
        "Is there a student price for {product}? My course starts in {days} days.",
        "Which plan of {product} includes the archive? My order is {order}.",
    ),
}
