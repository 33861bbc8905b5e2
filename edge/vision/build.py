"""Compose the plate engine that the settings ask for, from the models of the manifests."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from edge.vision.engine import EngineParts
from edge.vision.formats.adapters import adapt_detector, adapt_reader, adapt_verifier
from edge.vision.manifest import ModelEntry, find_model, known_models
from edge.vision.models import OnnxModel
from edge.vision.ppocr.build import ppocr_parts
from edge.vision.settings import EngineSettings


def build_parts(settings: EngineSettings, *, cameras: int = 1) -> EngineParts:
    """The parts of the engine that the settings ask for, to be shared by so many cameras.

    Raises ModelError, with one sentence, where a model is missing, corrupt, another than its
    manifest's or not fit for its role.
    """
    entries = known_models(settings.models)
    threads = settings.threads or max(1, len(os.sched_getaffinity(0)) // cameras)
    loaded: list[OnnxModel] = []

    def load(name: str) -> OnnxModel:
        model = find_model(entries, name).load(threads, settings.providers)
        loaded.append(model)
        return model

    parts = (
        _own_parts(settings, entries, load)
        if settings.kind == "plateward"
        else _ppocr(settings, load)
    )
    notices = dict.fromkeys(notice for model in loaded for notice in model.notices)
    return replace(
        parts,
        digests=tuple((model.name, model.sha256) for model in loaded),
        notices=tuple(notices),
    )


def _own_parts(
    settings: EngineSettings, entries: dict[str, ModelEntry], load: Callable[[str], OnnxModel]
) -> EngineParts:
    entry = find_model(entries, settings.detector)
    detector = adapt_detector(entry, load(entry.name), settings.size)
    verifier = None
    if settings.verifier:
        entry = find_model(entries, settings.verifier)
        verifier = adapt_verifier(entry, load(entry.name))
    entry = find_model(entries, settings.reader)
    fitted = adapt_reader(entry, load(entry.name))
    return EngineParts(
        detector=detector,
        reader=fitted.reader,
        reader_growth=fitted.growth,
        second_growth=fitted.second_growth,
        verifier=verifier,
        lookalikes=fitted.lookalikes,
    )


def _ppocr(settings: EngineSettings, load: Callable[[str], OnnxModel]) -> EngineParts:
    if isinstance(settings.size, int):
        return ppocr_parts(load, settings.size)
    return ppocr_parts(load)
