"""What can be said about a preference without a person."""

from __future__ import annotations

import re

from marketplace.formats.interface import Context
from marketplace.formats.preference.schema import Answer, Prompt
from marketplace.formats.problems import Problem
from marketplace.formats.text import words

# Nobody reads prose faster than this; below it the pair cannot have been read once.
_FASTEST_WORDS_A_SECOND = 12
_WORD = re.compile(r"\w{4,}")


def check(prompt: Prompt, answer: Answer, context: Context) -> list[Problem]:
    """Criteria scored exactly once (refused), contradictions, haste and vague reasons (marked)."""
    found = _criteria(prompt, answer)
    if _contradicts(answer):
        found.append(Problem("overall", "points against the scores of every criterion", "mark"))
    if not _refers(prompt, answer):
        found.append(Problem("rationale", "names nothing from the prompt or the answers", "mark"))
    read = words(prompt.prompt, prompt.response_a, prompt.response_b)
    fastest = max(3, read // _FASTEST_WORDS_A_SECOND)
    if context.active_seconds is not None and context.active_seconds < fastest:
        found.append(
            Problem("", f"was sent in less than the {fastest} s that reading takes", "mark")
        )
    return found


def _criteria(prompt: Prompt, answer: Answer) -> list[Problem]:
    asked = [criterion.key for criterion in prompt.criteria]
    scored = [score.criterion for score in answer.scores]
    titles = {criterion.key: criterion.title for criterion in prompt.criteria}
    found = [Problem("scores", f"leaves out {titles[key]}") for key in asked if key not in scored]
    found += [
        Problem(f"scores.{place}.criterion", f"{key} was not asked")
        for place, key in enumerate(scored)
        if key not in titles
    ]
    if len(set(scored)) < len(scored):
        found.append(Problem("scores", "scores one criterion twice"))
    return found


def _contradicts(answer: Answer) -> bool:
    gaps = [score.b - score.a for score in answer.scores]
    return bool(gaps) and answer.overall != 0 and all(gap * answer.overall < 0 for gap in gaps)


def _refers(prompt: Prompt, answer: Answer) -> bool:
    seen = f"{prompt.prompt} {prompt.response_a} {prompt.response_b}".casefold()
    return not set(_WORD.findall(answer.rationale.casefold())).isdisjoint(_WORD.findall(seen))
