"""A run described in Croissant, so that catalogues of data sets can list and load its records."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ambivox.errors import UsageError
from ambivox.run_folder import Run
from ambivox.write_aside import write_text

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""That of the specification, https://docs.mlcommons.org/croissant/docs/croissant-spec.html."""


def write_croissant(run: Run, path: Path) -> Path:
    """Describe the records of a run as JSON-LD: each file with its hash, and every field.

    Paths are relative to the folder of the run, where the description belongs.

    Raises:
        UsageError: no records, or the name does not end in .json.
    """
    if path.suffix != ".json":
        raise UsageError(f"{path}: a Croissant description is JSON: end the name in .json")
    write_text(path, json.dumps(describe_run(run), ensure_ascii=False, indent=1) + "\n")
    return path


def describe_run(run: Run) -> dict[str, Any]:
    """The description as plain data, see `write_croissant`."""
    shards, environment = run.shards(), run.environment()
    corpora, models = environment.get("corpora", {}), environment.get("models", {})
    licences = sorted({str(corpus.get("licence") or "not stated") for corpus in corpora.values()})
    newest = max(shard.stat().st_mtime for shard in shards)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": run.folder.resolve().name,
        "description": (
            f"What {', '.join(models) or 'a model'} answered about the emotions of the clips of "
            f"{', '.join(corpora) or 'a corpus'}, with the logits of the labels, by ambivox "
            f"{environment.get('packages', {}).get('ambivox') or 'of an unknown version'}."
        ),
        "license": "; ".join(licences) or "not stated",
        "url": "https://arxiv.org/abs/2505.18484",
        "citeAs": "Halim, Wang, Jia and Dang, Token-Level Logits Matter, Interspeech 2025, arXiv 2505.18484",
        "version": "1.0.0",
        "datePublished": datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d"),
        "distribution": [_file(run, shard) for shard in shards],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": shard.stem,
                "name": shard.stem,
                "field": list(_fields(pq.read_schema(shard), shard)),
            }
            for shard in shards
        ],
    }


def _file(run: Run, shard: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard.name,
        "name": shard.name,
        "contentUrl": shard.relative_to(run.folder).as_posix(),
        "encodingFormat": "application/x-parquet",
        "sha256": hashlib.sha256(shard.read_bytes()).hexdigest(),
    }


def _fields(schema: pa.Schema, shard: Path) -> Iterator[dict[str, Any]]:
    """Every leaf of the schema; one inside a column is found by its path."""
    for column in schema:
        for path, kind in _leaves(column.name, column.type):
            source: dict[str, Any] = {"fileObject": {"@id": shard.name}, "extract": {"column": column.name}}
            if path != column.name:
                source["transform"] = {"jsonPath": "$" + path.removeprefix(column.name)}
            yield {
                "@type": "cr:Field",
                "@id": f"{shard.stem}/{path}",
                "name": path,
                "dataType": _data_type(kind),
                **({"repeated": True} if pa.types.is_list(kind) else {}),
                "source": source,
            }


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """What Croissant has a type for: neither pairs of names and numbers nor lists of lists."""
    nested = pa.types.is_list(kind) and not pa.types.is_primitive(kind.value_type)
    if pa.types.is_map(kind) or (nested and not pa.types.is_string(kind.value_type)):
        return
    if not pa.types.is_struct(kind):
        yield path, kind
        return
    for field in kind:
        yield from _leaves(f"{path}.{field.name}", field.type)


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
