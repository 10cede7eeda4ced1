"""Opens one thing to explain after another: a photo, a row of an array or of several inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cam_core.backend import Array, InputInfo, Inputs
from cam_core.errors import InputError
from cam_core.image import Preprocess, preprocess, read
from cam_core.image.read import glance
from cam_core.rows import count, filled, row

from . import given_files
from .as_photos import as_photos
from .fitting import as_row, fit, frames, only
from .own_size import at_own_size
from .photos import Photo
from .samples import Sample, Slot
from .texts import Writer

HELD = 2**24
"""Bytes of decoded photos that may wait to be explained: some five of a megapixel."""
ALL_GIVEN = "'{}': --input gives all inputs already. Leave one out."


@dataclass(frozen=True)
class Reader:
    """Knows what the model takes, and what is the same for every sample."""

    infos: Sequence[InputInfo]
    main: InputInfo | None
    """The input that the photos and arrays are for; None where --input gives them all."""
    spec: Preprocess | None
    extras: Mapping[str, Array]
    """Arrays [N or 1, ...] of the other inputs."""
    photos: Mapping[str, Photo] = field(default_factory=dict)
    """Those of `extras` that are photos."""
    written: Writer | None = None
    """What writes the words that the model is fed."""
    step: int | None = None
    """What the sides of pictures are rounded to, where nothing says their size; None: 224."""

    def survey(self, paths: Sequence[Path]) -> list[Slot]:
        """All that is to be explained; what is no picture is told now, not halfway.

        A single picture, or several that are small together, are decoded now and held; of others
        only the head is read, and they are decoded when they are opened.
        """
        if not paths:
            return self._of_extras()
        pictures = [path for path in paths if path.suffix.lower() not in given_files.ARRAYS]
        for path in pictures:
            self._require_image(path)
        sizes = [3 * width * height for width, height in map(glance, pictures)]
        held = len(pictures) == 1 or sum(sizes) <= HELD
        slots: list[Slot] = []
        for path in paths:
            if path.suffix.lower() in given_files.ARRAYS:
                slots += self._of_array(path)
            else:
                pixels = read(path) if held else None
                slots.append(Slot(path.name, path.stem, path, pixels))
        self.check_rows(len(slots))
        return slots

    def open(self, slot: Slot, index: int = 0) -> Sample:
        """The model's input of one slot; `index` is its place among all, for --input's rows."""
        feed, image = {**self._row(index), **slot.feed}, self.picture(slot)
        if image is None:
            shapes = ", ".join(f"{n} {list(a.shape)}" for n, a in feed.items())
            text = f"fed as it is: {shapes}"
            given = [(info, as_row(feed[info.name], info)) for info in self.infos]
            return Sample(slot, self._batch(feed), None, None, text, {"description": text}, given)
        assert self.main is not None
        assert self.spec is not None
        shown = image if slot.cut is None else slot.cut.of(image)
        spec = at_own_size(self.spec, self.main, (shown.shape[0], shown.shape[1]), self.step)
        prepared = preprocess(shown, spec, self.main)
        if slot.cut is not None:
            prepared = replace(prepared, placement=slot.cut.on_photo(prepared.placement))
        record = prepared.as_dict(spec)
        if self.photos:
            record["others"] = {name: dict(one.record) for name, one in self.photos.items()}
        feed |= {self.main.name: prepared.x}
        if self.written is not None:
            feed |= {self.written.info.name: self.written(feed)}
        x = self._batch(feed)
        return Sample(slot, x, image, prepared.placement, prepared.description, record)

    def other(self, path: Path) -> Sample:
        """A picture to compare with, prepared as those that are explained.

        Raises:
            InputError: no picture, or an input that takes none.
        """
        if path.suffix.lower() in given_files.ARRAYS:
            raise InputError(f"'{path}' holds arrays: give a picture, or a vector as .npy")
        self._require_image(path)
        return self.open(Slot(path.name, path.stem, path, read(path)))

    def picture(self, slot: Slot) -> Array | None:
        """The photo of a slot, uint8 [H, W, 3]; None where it is arrays."""
        if slot.feed:
            return None
        return read(slot.path) if slot.pixels is None else slot.pixels

    def over(self, sample: Sample, name: str, index: int = 0) -> Sample:
        """The sample with what a map over one input is drawn on; '' where nobody knows which."""
        main = "" if self.main is None else self.main.name
        if len(self.infos) == 1 or not name:
            return sample
        if name in self.photos:
            shown = self.photos[name]
            return replace(sample, picture=shown.pixels, placement=shown.placement)
        if sample.slot.feed or name == main:
            return sample
        array = self._row(index).get(name)
        info = next(info for info in self.infos if info.name == name)
        given = [] if array is None else [(info, array)]
        return replace(sample, picture=None, placement=None, given=given)

    def _batch(self, feed: Mapping[str, Array]) -> Inputs:
        """Each input repeated to a fixed batch; a single input without its name."""
        known = self._known
        full = {name: filled(array, known[name]) for name, array in feed.items()}
        return next(iter(full.values())) if len(self.infos) == 1 else full

    def _of_extras(self) -> list[Slot]:
        """No file was named: the rows of --input."""
        if self.main is not None:
            raise InputError("nothing to explain: name pictures, arrays (.npy, .npz) or a folder.")
        total = max(count(array, self._known[n]) for n, array in self.extras.items())
        self.check_rows(total)
        names = [f"input[{i}]" for i in range(total)] if total > 1 else ["input"]
        return [
            Slot(name, f"input.{i}" if total > 1 else "input", Path("input"), feed=self._row(i))
            for i, name in enumerate(names)
        ]

    def _require_image(self, path: Path) -> None:
        """A picture needs an input that is one."""
        if self.main is None:
            raise InputError(ALL_GIVEN.format(path))
        if self.spec is None or frames(self.main) != 1:
            shape = ", ".join("?" if d is None else str(d) for d in self.main.shape)
            raise InputError(
                f"'{path}' is a picture, and input '{self.main.name}' [{shape}] is not: "
                "give its array as .npy"
            )

    @property
    def _known(self) -> dict[str, InputInfo]:
        return {info.name: info for info in self.infos}

    def _row(self, index: int) -> dict[str, Array]:
        return {n: row(a, self._known[n], index) for n, a in self.extras.items()}

    def check_rows(self, total: int) -> None:
        """Every --input has one row for all, or one for each, or counts none."""
        for name, array in self.extras.items():
            have = count(array, self._known[name])
            if have not in (1, total):
                raise InputError(
                    f"--input '{name}' has {have} rows for {total} to explain. "
                    "Give one row, or as many."
                )

    def _of_array(self, path: Path) -> list[Slot]:
        """The rows of an .npy or .npz."""
        if self.main is None:
            raise InputError(ALL_GIVEN.format(path))
        found = given_files.load(path)
        if isinstance(found, Mapping):
            wanted = [info for info in self.infos if info.name not in self.extras]
            if all(info.name in found for info in wanted):
                return _rows(path, {i.name: fit(found[i.name], i, path) for i in wanted}, wanted)
            found = only(found, self.main, path)
        photos = as_photos(found, self.main)
        if photos is not None:
            self._require_frame(path)
            return [
                Slot(_name(path, i, photos), _stem(path, i, photos), path, pixels=photo)
                for i, photo in enumerate(photos)
            ]
        return _rows(path, {self.main.name: fit(found, self.main, path)}, [self.main])

    def _require_frame(self, path: Path) -> None:
        """Bytes are photos one by one; a clip is given as the model takes it."""
        if self.main is not None and frames(self.main) != 1:
            raise InputError(
                f"array '{path}' holds bytes, so photos; input '{self.main.name}' takes "
                f"{frames(self.main)} frames at once: save its floats as the model takes them"
            )


def _rows(path: Path, feed: Mapping[str, Array], infos: Sequence[InputInfo]) -> list[Slot]:
    """One slot a row; an input of one row serves them all, as does one that counts none."""
    counts = [count(feed[info.name], info) for info in infos]
    total = max(counts)
    if any(have not in (1, total) for have in counts):
        shapes = ", ".join(f"'{n}' {list(a.shape)}" for n, a in feed.items())
        raise InputError(f"array '{path}': rows do not fit ({shapes}).")
    each = range(total)
    return [
        Slot(
            _name(path, i, each),
            _stem(path, i, each),
            path,
            feed={info.name: row(feed[info.name], info, i) for info in infos},
        )
        for i in each
    ]


def _name(path: Path, row: int, rows: Sequence[Any]) -> str:
    return f"{path.name}[{row}]" if len(rows) > 1 else path.name


def _stem(path: Path, row: int, rows: Sequence[Any]) -> str:
    return f"{path.stem}.{row}" if len(rows) > 1 else path.stem
