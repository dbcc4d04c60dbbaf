"""What was acknowledged survives kill -9, once and whole."""
import pytest
from harness.torture import Torture


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_loses_nothing_that_was_acknowledged(seed):
    assert Torture(seed, rounds=6).run() > 50


@pytest.mark.cluster
@pytest.mark.parametrize("seed", [3, 4])
def test_nor_do_kills_and_cut_connections_of_a_cluster(seed):
    assert Torture(seed, rounds=8, cluster=True).run() > 50
