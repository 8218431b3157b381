from tests.run.conftest import study

__all__ = ["study"]
