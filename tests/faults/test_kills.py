"""kill -9 of anything at random moments under load: nothing answered is lost or doubled, intake comes back.

SLUICE_KILL_CYCLES sets the number of kills, SLUICE_SEED repeats a run.
"""
import os
import random
import time

from fleet import Fleet
from keeper import Keeper
from stores import select_pause
from submitters import Submitters, prove

CYCLES = int(os.environ.get("SLUICE_KILL_CYCLES", "12"))
SEED = int(os.environ.get("SLUICE_SEED", time.time_ns() & 0xFFFFFFFF))
VICTIMS = ("edge1", "broker", "worker1", "worker2", "postgres", "redis")
BACK_S = 2.0


def kill(victim, stores, keeper):
    """Returns when the victim was killed and when it was started again."""
    killed_s = time.monotonic()
    if victim in ("postgres", "redis"):
        store = getattr(stores, victim)
        store.kill()
        restarted_s = time.monotonic()
        store.start()
    else:
        restarted_s = keeper.kill(victim).at_s
    return killed_s, restarted_s


def test_kill_anything_at_random_moments(stores):
    dice = random.Random(SEED)
    print(f"seed {SEED}, {CYCLES} cycles")
    victims = [VICTIMS[i % len(VICTIMS)] for i in range(CYCLES)]
    dice.shuffle(victims)
    gaps = {}
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=8, seed=SEED) as crowd:
            crowd.await_answers(50)
            for victim in victims:
                select_pause(dice.uniform(0.1, 1.5))
                killed_s, restarted_s = kill(victim, stores, keeper)
                gap_s = crowd.first_after(restarted_s) - restarted_s
                gaps.setdefault(victim, []).append(gap_s)
                print(f"{victim}: intake answers {gap_s:.3f} s after its restart")
                crowd.await_answers(20)
        print(prove(fleet, crowd))
        print(f"{len(crowd.answers)} answers, {len(crowd.refusals)} lost or 503;",
              {v: f"{max(g):.3f} s" for v, g in gaps.items()})
        assert not keeper.unasked(), keeper.unasked()
        assert not keeper.stopped, keeper.stopped
        late = {v: max(g) for v, g in gaps.items() if max(g) > BACK_S}
        assert not late, f"intake was not back within {BACK_S} s: {late}"


def test_kill_broker_and_worker_together_again_and_again(stores):
    """The two that hold leases die at once: what was handed out and not reported comes again."""
    dice = random.Random(SEED + 1)
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=4, seed=SEED + 1) as crowd:
            for _ in range(max(3, CYCLES // 4)):
                crowd.await_answers(30)
                select_pause(dice.uniform(0, 0.3))
                for name in dice.sample(["broker", "worker1", "worker2", "edge1"], 3):
                    fleet[name].popen.kill()
                now_s = time.monotonic()
                assert crowd.first_after(now_s) - now_s < BACK_S
        prove(fleet, crowd)
        assert not keeper.stopped, keeper.stopped
