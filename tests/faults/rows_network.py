"""Rows 37 to 53: packets are lost, late, doubled and spoiled, nodes are cut off, and what is revoked must arrive."""

import signal
import time

from ask import Unknown, Unreached
from network import Network
from node import Trouble, eventually
from rows import row
from workload import Workload, change

# The followers of a mesh in namespaces.
FOLLOWERS = ("vengeance", "runpod-tx", "spark")

# A session ends after 15 s of silence, and a follower dials again within seconds; on a bad line it needs several tries.
CONVERGED_WITHIN = 300.0

# What is deleted while packets are lost is waited for so long.
LOSSY_SECONDS = 30.0


class Mesh:
    """A lead and its followers on a network."""

    def __init__(self, place):
        self.place = place
        self.network = Network(["aurora", *FOLLOWERS])
        place.leaving.insert(0, self.network.remove)
        address = f"{self.network.addresses['aurora']}:7700"
        self.lead = place.node("aurora", inside=self.network.inside("aurora")).init(address).start()
        self.followers = []
        for name in FOLLOWERS:
            node = place.node(name, inside=self.network.inside(name))
            node.join(self.lead.token(name), f"{self.network.addresses[name]}:0").start()
            self.followers.append(node)

    def load(self, label, pause=0.02):
        """Writers of the lead, and a reader of every node."""
        return Workload(self.place.history, self.lead, self.followers, seed=label, clients=3, pause=pause).start()


def converged(place, lead, followers):
    """Everybody holds what the lead holds; how long that took."""
    began = time.monotonic()
    for follower in followers:
        follower.reaches(lead.revision(), CONVERGED_WITHIN)
    took = time.monotonic() - began
    place.history.check(lead)
    for name in place.history.secrets:
        wanted = seen(lead, name)
        for follower in followers:
            if seen(follower, name) != wanted:
                raise Trouble(f"{follower.name} gives {seen(follower, name)} for {name}, the lead {wanted}")
    for follower in followers:
        follower.checked()
    return took


def seen(node, name):
    """What a node gives: version and value, or that there is none."""
    answer = node.answer("GET", f"/api/secrets/{name}")
    told = answer.json()
    return (told["version"], told["key_value"]) if answer.status == 200 else answer.code()


def revoked_within(place, lead, followers, label, within=CONVERGED_WITHIN):
    """Deletes a secret that everybody holds; how long until nobody gives it out, or nothing if that does not come in
    time."""
    secret = place.history.secret(f"revoked/{label}", alone=True)
    for kind, value in (("put", f"to be revoked {label}"), ("delete", None)):
        outcome = place.history.operation("row", secret, kind, value, lambda: change(lead, secret.name, kind, value))
        if outcome != "ok":
            raise Trouble(f"{kind} was not acknowledged: {lead.last_words()}")
        began = time.monotonic()
        wanted = kind == "put"
        while any(is_given(follower, secret.name) != wanted for follower in followers):
            if time.monotonic() - began > within:
                return None
            time.sleep(0.02)
    return time.monotonic() - began


def surely(took):
    """A revocation that must have arrived."""
    if took is None:
        raise Trouble(f"what was deleted is still given out after {CONVERGED_WITHIN:.0f} s")
    return took


def is_given(node, name):
    """Whether a read is answered with a value."""
    try:
        return node.get(f"/api/secrets/{name}").status == 200
    except (Unknown, Unreached):
        return False


def seconds(took):
    """For people."""
    return f"{took:.2f} s"


@row(quick=1, full=3)
def fault_37_partition(place, count):
    """Each follower in turn hears nothing and is heard by nobody for 20 s; the others go on, and it comes back by
    itself."""
    mesh = Mesh(place)
    others, back = 0.0, 0.0
    for number in range(count):
        cut = mesh.followers[number % len(mesh.followers)]
        rest = [node for node in mesh.followers if node is not cut]
        load = mesh.load(f"{place.seed}.{number}")
        mesh.network.deafen(cut.name, "aurora")
        mesh.network.rules("aurora", f"ip saddr {mesh.network.addresses[cut.name]} counter drop")
        others = max(others, surely(revoked_within(place, mesh.lead, rest, f"others{number}")))
        time.sleep(20)
        load.stop()
        mesh.network.heal()
        back = max(back, converged(place, mesh.lead, mesh.followers))
    return {"partitions": count, "others lose what is deleted within": seconds(others), "healed within": seconds(back),
            "reads": place.history.counts["read"], "acknowledged": place.history.counts["ok"], "broken promises": 0}


@row(quick=2, full=6)
def fault_38_one_way_partition(place, count):
    """A follower is heard and hears nothing, or hears and is not heard, for 20 s."""
    mesh = Mesh(place)
    back = 0.0
    for number in range(count):
        cut = mesh.followers[number // 2 % len(mesh.followers)]
        load = mesh.load(f"{place.seed}.{number}")
        if number % 2:
            mesh.network.deafen(cut.name, "aurora")
        else:
            mesh.network.deafen("aurora", cut.name)
        time.sleep(20)
        load.stop()
        mesh.network.heal()
        back = max(back, converged(place, mesh.lead, mesh.followers))
    return {"partitions": count, "healed within": seconds(back), "reads": place.history.counts["read"],
            "acknowledged": place.history.counts["ok"], "broken promises": 0}


def lossy(place, count, percent):
    """A mesh in which every node loses this share of what arrives. Gives what came of deletions meanwhile."""
    mesh = Mesh(place)
    for name in mesh.network.addresses:
        mesh.network.lose(name, percent)
    arrived = []
    for number in range(count):
        load = mesh.load(f"{place.seed}.{number}")
        time.sleep(2)
        load.stop()
        arrived.append(revoked_within(place, mesh.lead, mesh.followers, f"lossy{number}", LOSSY_SECONDS))
    dropped = sum(mesh.network.dropped(name) for name in mesh.network.addresses)
    if not dropped:
        raise Trouble("nothing was lost: the row shows nothing")
    banned = mesh.followers[-1]
    mesh.lead.put("banned/key", "a value that it may hold")
    mesh.lead.told("POST", f"/api/nodes/{banned.name}/ban", {"reason": "a fault"})
    mesh.network.heal()
    began = time.monotonic()
    eventually("the banned one gives nothing out", lambda: not is_given(banned, "banned/key"), CONVERGED_WITHIN)
    closed = time.monotonic() - began
    back = converged(place, mesh.lead, mesh.followers[:-1])
    in_time = sorted(took for took in arrived if took is not None)
    return {"packets lost": dropped, "deletions": count, f"everywhere within {LOSSY_SECONDS:.0f} s": len(in_time),
            "median of these": seconds(in_time[len(in_time) // 2]) if in_time else "-",
            "at most": seconds(in_time[-1]) if in_time else "-", "a banned node closed after": seconds(closed),
            "equal after the heal": seconds(back), "acknowledged": place.history.counts["ok"],
            "reads": place.history.counts["read"], "broken promises": 0}


@row(quick=2, full=20)
def fault_40_loss_of_30_percent(place, count):
    """Three packets of ten are lost in either direction: every deletion arrives meanwhile."""
    told = lossy(place, count, 30)
    if told[f"everywhere within {LOSSY_SECONDS:.0f} s"] != count:
        raise Trouble(f"a deletion did not arrive while packets were lost: {told}")
    return told


@row(quick=1, full=10)
def fault_40_loss_of_60_percent(place, count):
    """Six packets of ten are lost in either direction, so five of six questions stay without an answer: sessions end
    and begin, nobody gives out anything wrong, and everything arrives once the line is better."""
    return lossy(place, count, 60)


@row(quick=1, full=4)
def fault_47_lead_restarts_under_followers(place, count):
    """A lead with twelve followers is killed and started again: all come back, and nobody's reads suffer."""
    lead = place.lead()
    followers = [place.follower(lead, f"node{number}") for number in range(12)]
    longest = 0.0
    for number in range(count):
        load = Workload(place.history, lead, followers, seed=f"{place.seed}.{number}", clients=2, pause=0.05).start()
        time.sleep(1)
        lead.end(signal.SIGKILL)
        load.stop()
        lead.start()
        lead.put("after/kill", f"value {number}")
        began = time.monotonic()
        converged(place, lead, followers)
        longest = max(longest, time.monotonic() - began)
    return {"followers": len(followers), "restarts": count, "all equal within": seconds(longest),
            "reads": place.history.counts["read"], "broken promises": 0}


@row(quick=1, full=3)
def fault_48_follower_that_never_reads(place, count):
    """A follower is stopped by a signal for 30 s under large changes: the lead keeps nothing for it without bound,
    the other follower has every change, and the stopped one catches up."""
    lead = place.lead()
    slow, quick = place.follower(lead, "slow"), place.follower(lead, "quick")
    before, most, took = lead.resident_kib(), 0, []
    for number in range(count):
        slow.process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + 30
        turn = 0
        while time.monotonic() < deadline:
            lead.put(f"bulk/key{turn % 20}", f"{number}.{turn}." + "x" * 60_000)
            turn += 1
            most = max(most, lead.resident_kib())
            if turn % 10 == 0:
                began = time.monotonic()
                quick.reaches(lead.revision(), 30)
                took.append(time.monotonic() - began)
        slow.process.send_signal(signal.SIGCONT)
        slow.reaches(lead.revision(), CONVERGED_WITHIN)
    sent = 60_000 * turn * count // 1024
    if most - before > 96 * 1024:
        raise Trouble(f"the lead grew by {most - before} KiB for a follower that does not read, of {sent} KiB")
    converged(place, lead, [slow, quick])
    return {"times": count, "stored": f"{sent // 1024} MiB",
            "memory of the lead": f"{before // 1024} MiB, at most {most // 1024} MiB", "the other follower had it within": seconds(max(took)), "broken promises": 0}


@row(quick=1, full=3)
def fault_53_banned_while_cut_off(place, count):
    """A follower is banned while nothing reaches it. When it is heard again it gets nothing, and gives nothing out."""
    mesh = Mesh(place)
    longest = 0.0
    for banned in mesh.followers[:count]:
        mesh.lead.put("banned/key", f"a value of {banned.name}")
        mesh.network.deafen(banned.name, "aurora")
        mesh.lead.told("POST", f"/api/nodes/{banned.name}/ban", {"reason": "a fault"})
        mesh.lead.put("after/ban", f"a value after {banned.name}")
        mesh.network.heal()
        began = time.monotonic()
        eventually(f"{banned.name} gives nothing out", lambda n=banned: not is_given(n, "banned/key"), CONVERGED_WITHIN)
        longest = max(longest, time.monotonic() - began)
        if is_given(banned, "after/ban"):
            raise Trouble(f"{banned.name} was banned and got a later value")
    return {"bans": count, "closed after the heal within": seconds(longest)}
