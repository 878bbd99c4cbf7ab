"""What atheris found to reach new code of the extension, replayed without it: each gives what json gives."""

from pathlib import Path

import fuzz_extension
import pytest

CORPUS = sorted((Path(__file__).parent / "corpus/extension").iterdir())


@pytest.mark.parametrize("part", range(4))
def test_the_corpus_of_the_extension(part):
    assert len(CORPUS) > 100
    for path in CORPUS[part::4]:
        try:
            fuzz_extension.one_input(path.read_bytes())
        except Exception as e:
            pytest.fail(f"{path.name}: {e!r}")
