"""Made-up packages with entry points, as pip would have installed them."""

from pathlib import Path


def install(site: Path, package: str, code: str, **groups: dict[str, str]) -> None:
    """Put a module and its entry points into a folder: ``install(site, "a", code, metrics={"gap": "f"})``."""
    (site / f"{package}.py").write_text(code, encoding="utf-8")
    folder = site / f"{package}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8"
    )
    lines = []
    for group, names in groups.items():
        lines += [f"[ambivox.{group}]", *(f"{name} = {package}:{target}" for name, target in names.items())]
    (folder / "entry_points.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
