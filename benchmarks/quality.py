"""Prints the tables of QUALITY §7 to §15 beside the required figures; exits 1 on a miss.

    python -m benchmarks.quality [what …] [--data DIR] [--seeds N] [--json FILE]

Without the development data only the synthetic parts run; without crowd-kit (see
benchmarks/requirements.txt) its columns are empty and the speed ratios are not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from math import inf, nan
from pathlib import Path
from statistics import fmean

from benchmarks import quality_data as data
from benchmarks import quality_figures as figures
from benchmarks import quality_plans as plans
from benchmarks.quality_report import Report, crowdkit_labels
from benchmarks.quality_speed import speed
from marketplace.quality import agreement, confusion
from marketplace.quality.consensus import Config

REPLAY = {  # most answers, least accuracy, least correlation; maximum 10, arrival order
    "rte": (6.7, 0.920, 0.80),
    "s4_dog": (4.9, 0.815, 0.70),
    "bluebird": (7.3, 0.73, -1),
    "d_product": (2.9, 0.915, 0.65),
    "sp": (4.1, 0.895, 0.78),
    "sp_amt": (4.1, 0.938, -1),
    "cf": (3.9, 0.87, -1),
    "cf_amt": (4.7, 0.83, 0.70),
    "music": (3.2, 0.775, 0.90),
}
BATCH = {
    "rte": 0.925,
    "s4_dog": 0.835,
    "bluebird": 0.88,
    "d_product": 0.936,
    "sp": 0.913,
    "sp_amt": 0.942,
    "cf": 0.88,
    "cf_amt": 0.85,
    "music": 0.78,
}
ATTACKS = {
    ("rte", "random", 0.30): 0.905,
    ("rte", "constant", 0.30): None,
    ("rte", "collude", 0.20): None,
    ("rte", "collude", 0.35): 0.82,
    ("s4_dog", "random", 0.30): 0.815,
    ("s4_dog", "collude", 0.35): 0.80,
    ("cf_amt", "collude", 0.35): 0.78,
    ("sp_amt", "collude", 0.35): 0.935,
    ("rte", "wrong", 0.15): None,
    ("s4_dog", "wrong", 0.15): None,
}
CALIBRATED = ("rte", "s4_dog", "d_product", "sp", "sp_amt", "cf_amt", "music")
ALPHA = (0.242, 0.519, 0.126, 0.158, 0.428, 0.738, 0.577, 0.521, 0.301)


def mean(draw: Callable[..., tuple[float, ...]], draws: int) -> list[float]:
    return [fmean(column) for column in zip(*[draw(seed=s) for s in range(draws)], strict=True)]


def _crowdkit_at(
    answers: list[data.Answer], truth: figures.Truth, *, each: float, seed: int
) -> float:
    labels = crowdkit_labels(figures.thinned(answers, each=each, seed=seed))
    return fmean(labels[t] == truth[t] for t in labels) if labels else nan


def replay(report: Report, seeds: int) -> None:
    for name, (most, least, r_least) in REPLAY.items():
        answers, truth = data.load(name)
        config, usual = (Config(data.SETS[name], maximum=m) for m in (10, 7))
        bought, right, r, night = mean(partial(figures.replay, answers, truth, config), seeds)
        drawn = mean(partial(figures.replay, answers, truth, config, by_draw=True), seeds)
        seven = mean(partial(figures.replay, answers, truth, usual), seeds)
        votes = fmean(
            figures.majority_at(answers, truth, each=bought, seed=s) for s in range(seeds)
        )
        others = [_crowdkit_at(answers, truth, each=bought, seed=s) for s in range(seeds)]
        report.row(
            "replay",
            name,
            answers=bought,
            nightly=night,
            crowdkit=fmean(others),
            accuracy=right,
            r=r,
            majority=votes,
            drawn=drawn[0],
            drawn_accuracy=drawn[1],
            seven=seven[0],
            seven_accuracy=seven[1],
            required=f"<= {most}, >= {least}",
        )
        report.require(f"replay {name} answers", bought, most=most)
        report.require(f"replay {name} accuracy", right, least=max(least, votes - 0.01))
        report.require(f"replay {name} r", r, least=r_least)


def batch(report: Report, _seeds: int) -> None:
    ours, theirs = [], []
    for name, least in BATCH.items():
        answers, truth = data.load(name)
        labels = range(data.SETS[name])
        p = confusion.aggregate(answers, labels=labels)
        one = confusion.fit_one_coin(answers, labels=labels).as_dict()
        other = crowdkit_labels(answers)
        kit = fmean(other[t] == truth[t] for t in truth) if other else nan
        ours.append(figures.accuracy_of(p, truth))
        theirs.append(kit)
        report.row(
            "batch",
            name,
            accuracy=ours[-1],
            one_coin=figures.accuracy_of(one, truth),
            majority=figures.majority(answers, truth),
            crowdkit=kit,
            required=f">= {least}",
        )
        report.require(f"batch {name}", ours[-1], least=least)
        if name == "d_product":
            report.row("batch", "d_product F1", f1=figures.f1(p, truth))
            report.require("batch d_product F1", figures.f1(p, truth), least=0.69999)
    report.row("batch", "mean", accuracy=fmean(ours), crowdkit=fmean(theirs), required=">= 0.885")
    report.require("batch mean", fmean(ours), least=0.885)


def attack(report: Report, seeds: int) -> None:
    for (name, kind, share), least in ATTACKS.items():
        answers, truth = data.load(name)
        draw = partial(
            figures.under_attack, answers, truth, data.SETS[name], kind=kind, share=share
        )
        votes, plain, gated = mean(draw, 2 * seeds)
        report.row(
            "attack",
            f"{name} {kind} {share:.0%}",
            majority=votes,
            no_gold=plain,
            gated=gated,
            required=f">= {least}" if least else "-",
        )
        report.require(f"attack {name} {kind}", gated, least=least or -inf)
    for name in ("rte", "s4_dog", "cf_amt", "sp_amt"):
        answers, truth = data.load(name)
        draw = partial(
            figures.under_attack, answers, truth, data.SETS[name], kind="random", share=0.0
        )
        votes, plain, gated = mean(draw, 2 * seeds)
        report.row("attack", f"{name} no attack", majority=votes, no_gold=plain, gated=gated)
        report.require(f"attack {name} none", abs(gated - plain), most=0.005)


def calibration(report: Report, seeds: int) -> None:
    for name in CALIBRATED:
        answers, truth = data.load(name)
        config = Config(data.SETS[name], maximum=10)
        raw, gap = mean(partial(figures.calibration_gaps, answers, truth, config), 2 * seeds)
        report.row("calibration", name, raw=raw, calibrated=gap, required="<= 0.05")
        report.require(f"calibration {name}", gap, most=0.05)


def collusion(report: Report, seeds: int) -> None:
    for name in ("rte", "s4_dog", "cf_amt", "sp_amt", "bluebird"):
        answers, truth = data.load(name)
        draw = partial(figures.collusion_figures, answers, truth, data.SETS[name])
        area, found, _ = mean(partial(draw, kind="collude", share=0.2), 2 * seeds)
        copied, copied_found, _ = mean(partial(draw, kind="copy", share=0.2), 2 * seeds)
        _, _, false = mean(partial(draw, kind="collude", share=0.0), 2 * seeds)
        report.row(
            "collusion",
            name,
            auc=area,
            found=found,
            copy_auc=copied,
            copy_found=copied_found,
            false_per_1000=1000 * false,
        )
        if name in ("rte", "s4_dog", "cf_amt"):
            report.require(f"collusion {name}", area, least=0.99)
            report.require(f"collusion {name} false flags", false, most=0.001)


def preferences(report: Report, seeds: int) -> None:
    for clickers, tau, loss in ((0.2, 0.88, 0.950), (0.4, 0.85, 0.985)):
        found = mean(partial(figures.preference_figures, clickers=clickers), 2 * seeds)
        report.row(
            "preference",
            f"{clickers:.0%} clickers",
            tau=found[0],
            log_loss=found[1],
            auc=found[2],
            side=found[3],
            required=f">= {tau}, <= {loss}, >= .97, .2 ± .1",
        )
        report.require(f"preference {clickers} tau", found[0], least=tau)
        report.require(f"preference {clickers} log-loss", found[1], most=loss)
        report.require(f"preference {clickers} AUC", found[2], least=0.97)
        report.require(f"preference {clickers} side", found[3], least=0.1, most=0.3)


def severities(report: Report, seeds: int) -> None:
    raw, corrected, tau_raw, tau = mean(figures.severity_figures, 2 * seeds)
    before, after = figures.alphas()
    report.row(
        "severity",
        "mqm23_ende",
        error=raw,
        corrected=corrected,
        tau_raw=tau_raw,
        tau=tau,
        alpha=before,
        alpha_corrected=after,
        required="-20 %, >= .90, +.08",
    )
    report.require("severity error cut", 1 - corrected / raw, least=0.20)
    report.require("severity tau", tau, least=0.90)
    report.require("severity alpha gain", after - before, least=0.08)


def agreements(report: Report, _seeds: int) -> None:
    for name, known in zip(data.SETS, ALPHA, strict=True):
        found = agreement.alpha(data.load(name)[0], level="nominal")
        report.row(
            "agreement", name, alpha=found.value, low=found.low, high=found.high, required=known
        )
        report.require(f"alpha {name}", found.value or nan, least=known - 0.001, most=known + 0.001)


def abilities(report: Report, seeds: int) -> None:
    found = mean(partial(figures.ability_figures, candidates=500), seeds)
    report.row(
        "ability",
        "cut .5, 60 items",
        items=found[0],
        wrong=found[1],
        unqualified_pass=found[2],
        qualified_fail=found[3],
        required="<= 15, <= .13, <= .08",
    )
    report.require("ability items", found[0], most=15)
    report.require("ability misclassified", found[1], most=0.13)
    report.require("ability unqualified pass", found[2], most=0.08)


def plan(report: Report, _seeds: int) -> None:
    for n_labels in (2, 4):
        for review, name in ((0.4, "review at .4"), (inf, "no review")):
            fixed, ours = plans.cheapest(n_labels, tasks=10_000, seed=1, review_price=review)
            saved = 1 - ours.minutes / fixed.minutes
            report.row(
                "plan",
                f"K={n_labels}, {name}",
                fixed=fixed.minutes,
                fixed_accuracy=fixed.accuracy,
                planned=ours.minutes,
                planned_accuracy=ours.accuracy,
                saved=saved,
                answer_and_review=ours.one_answer_and_review,
            )
            if review < inf:
                report.require(f"plan K={n_labels} saved", saved, least=0.15)


def plan_on_ratings(report: Report, seeds: int) -> None:
    runs = [plans.on_ratings(seed=s) for s in range(seeds)]
    for name in runs[0]:
        found = plans.Bought(*(fmean(x) for x in zip(*[run[name] for run in runs], strict=True)))
        report.row(
            "plan",
            f"mqm {name}",
            minutes=found.minutes,
            accuracy=found.accuracy,
            one_rating_only=found.one_answer_only,
        )


SYNTHETIC = {"preference": preferences, "ability": abilities, "plan": plan, "speed": speed}
MEASURED = {
    "replay": replay,
    "batch": batch,
    "attack": attack,
    "calibration": calibration,
    "collusion": collusion,
    "severity": severities,
    "agreement": agreements,
    "plan-ratings": plan_on_ratings,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default="all", choices=["all", *MEASURED, *SYNTHETIC])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.data:
        os.environ["GUILDHALL_QUALITY_DATA"] = str(options.data)
    report, has_data = Report(), data.folder().is_dir()
    wanted = {"all"} if options.what == "all" else set(options.what)
    for name, section in {**MEASURED, **SYNTHETIC}.items():
        if not {"all", name} & wanted:
            continue
        if name in MEASURED and not has_data:
            print(f"{name}: skipped, no data at {data.folder()}")
            continue
        print(name)
        section(report, options.seeds)
    for miss in report.misses:
        print(f"MISSED {miss}")
    print(f"{report.n_judged - len(report.misses)} of {report.n_judged} required figures reached")
    if options.json:
        options.json.write_text(json.dumps(report.rows, indent=1))
    return bool(report.misses)


if __name__ == "__main__":
    sys.exit(main())
