"""A team of threads works on everything once."""

import pytest

from gridflow.compute.threads import team


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("total", [1, 2, 7, 8])
def test_all_planes_are_shared_out(size, total):
    parts = {}
    team(size).share(total, lambda first, end, thread: parts.update({thread: range(first, end)}))
    assert [plane for thread in sorted(parts) for plane in parts[thread]] == list(range(total))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_all_pieces_are_dealt(size):
    dealt = []
    team(size).deal(8, lambda piece, thread: dealt.append(piece))  # noqa: ARG005 - which thread does not matter
    assert sorted(dealt) == list(range(8))
