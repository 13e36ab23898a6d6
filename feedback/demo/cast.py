"""The people of the demo: who they are, how they answer and how they grade. [pure]"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import NAMESPACE_DNS, UUID, uuid5

DOMAIN = "demo.example"  # a reserved name: no mail can ever reach it
PASSWORD = "plumbline-demo"  # noqa: S105 - public on purpose
COHORT = "Thursday cohort"
ORGANISER = "tomas"
_NAMESPACE = uuid5(NAMESPACE_DNS, DOMAIN)


def id_of(*names: object) -> UUID:
    """Return the public id of a row of the demo, the same in every installation."""
    return uuid5(_NAMESPACE, "/".join(str(name) for name in names))


COHORT_ID = id_of("cohort")
"""The public id by which the demo is known to be there."""


@dataclass(frozen=True)
class Person:
    """A member of the demo cohort.

    `severity` is how many levels lower than a typical grader this one rates, `spread` the
    standard deviation of one rating of theirs. `tilts` says by how many levels the person
    is better or worse on a dimension, by "round kind.dimension", than in that round as a whole.
    """

    key: str
    name: str
    handle: str
    time_zone: str
    part: str
    severity: float = 0.0
    spread: float = 0.3
    tilts: Mapping[str, float] = field(default_factory=dict)

    @property
    def email(self) -> str:
        """The address that they sign in with."""
        return f"{self.key}@{DOMAIN}"


PEOPLE: tuple[Person, ...] = (
    Person(
        key="mara",
        name="Mara Kessler",
        handle="turnstone-214",
        time_zone="Europe/Berlin",
        part="candidate of a Staff loop: start here",
        severity=0.1,
        tilts={
            "coding.verification": -0.3,
            "sd_classic.operate": -0.4,
            "sd_classic.depth": 0.2,
            "sd_ambiguous.discovery": -0.3,
            "sd_ambiguous.adoption": -0.4,
            "sd_ambiguous.measure": 0.4,
            "xfn.correction": 0.4,
            "xfn.partner_as_peer": -0.2,
            "ic_leadership.delegation": -0.8,
            "ic_leadership.hiring": 0.6,
            "ic_leadership.writing": 0.5,
            "deep_dive.floor": 0.4,
        },
    ),
    Person(
        key="tomas",
        name="Tomás Herrera",
        handle="kestrel-508",
        time_zone="America/Bogota",
        part="organiser, candidate of a Principal loop",
        severity=-0.1,
        tilts={"sd_ambiguous.range": 0.3, "deep_dive.reflection": -0.3},
    ),
    Person(
        key="adaeze",
        name="Adaeze Okonkwo",
        handle="dunlin-371",
        time_zone="Africa/Lagos",
        part="half-way through the manager's loop",
        spread=0.25,
        tilts={"em_technical.fluency": -0.5, "em_org.change": 0.4},
    ),
    Person(
        key="kenji",
        name="Kenji Morimoto",
        handle="goshawk-640",
        time_zone="Asia/Tokyo",
        part="the strict one",
        severity=0.5,
        spread=0.25,
    ),
    Person(
        key="priya",
        name="Priya Raghunathan",
        handle="kite-152",
        time_zone="Asia/Kolkata",
        part="the generous one",
        severity=-0.45,
        tilts={"coding.narration": 0.4, "sd_classic.contracts": -0.5},
    ),
    Person(
        key="yusuf",
        name="Yusuf Demir",
        handle="shrike-883",
        time_zone="Europe/Istanbul",
        part="the one whose grades scatter",
        spread=0.75,
        tilts={"sd_ambiguous.discovery": -0.5},
    ),
    Person(
        key="eilidh",
        name="Eilidh Fraser",
        handle="godwit-429",
        time_zone="Europe/London",
        part="candidate of a Meta-like loop",
        severity=0.15,
        tilts={"deep_dive.outcome": -0.6},
    ),
    Person(
        key="caleb",
        name="Caleb Whitfield",
        handle="heron-706",
        time_zone="America/Chicago",
        part="candidate who started late",
        severity=-0.15,
        spread=0.4,
        tilts={"sd_classic.depth": -0.4, "xfn.partner_as_peer": -0.3},
    ),
)
BY_KEY: Mapping[str, Person] = {person.key: person for person in PEOPLE}
