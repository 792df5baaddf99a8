"""Names under which clients see experts: they tell two people apart and nothing about either."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from uuid import UUID

_COLOURS = """amber azure beige black blond blue brass bronze brown cherry clay cobalt copper coral
cream crimson dusk ebony flint frost ginger gold green grey hazel indigo iron ivory jade lemon lilac
lime linen maple mauve mint misty moss navy ochre olive onyx opal orange pearl pink plum purple
quartz rose ruby russet rust sable saffron salmon sand silver slate steel teal umber violet
white""".split()  # noqa: SIM905 a plain list reads better
_ANIMALS = """badger bear beaver bison bittern crane cricket curlew deer dipper dove eagle egret elk
falcon ferret finch fox gannet gecko grebe gull hare hawk heron hoopoe ibex ibis jackdaw kestrel
kite koala lark lemur linnet lynx marten merlin mole moth newt orca osprey otter owl panda petrel
pigeon plover puffin quail rail raven robin rook seal shrew skylark sparrow starling stork swan
swift tern""".split()  # noqa: SIM905 as above
_NUMBERS = 990


def pseudonyms(key: UUID) -> Iterator[str]:
    """`amber-falcon-17` and so on, always the same for the same key; about four million names.

    Two keys may share one, so the caller takes the first that is free.
    """
    for attempt in range(32):
        digest = hashlib.sha256(key.bytes + bytes([attempt])).digest()
        draw = int.from_bytes(digest[:8], "big")
        draw, colour = divmod(draw, len(_COLOURS))
        draw, animal = divmod(draw, len(_ANIMALS))
        yield f"{_COLOURS[colour]}-{_ANIMALS[animal]}-{10 + draw % _NUMBERS}"
