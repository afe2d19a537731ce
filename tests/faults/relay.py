"""A bad line between followers and their lead: a UDP relay that loses, delays, repeats, swaps and spoils packets by
chances of a seed, drops what is too long, and changes its own port. It counts what it did to how many packets.

QUIC is UDP: whatever a network does to packets, this does. The kernel's netem, which not every machine has, is not
needed."""

import heapq
import random
import select
import socket
import threading
import time

# What one direction of one follower may have waiting: a line drops what it cannot hold.
WAITING_MAX = 20_000


class Weather:
    """What is done to packets. Shares are between 0 and 1, delays in seconds."""

    def __init__(self, lose=0.0, delay=0.0, jitter=0.0, repeat=0.0, spoil=0.0, bytes_max=65_535, bytes_per_second=None):
        self.lose, self.delay, self.jitter, self.repeat, self.spoil = lose, delay, jitter, repeat, spoil
        self.bytes_max, self.bytes_per_second = bytes_max, bytes_per_second


class Relay:
    """Listens on `address` and passes on to `target`; each follower has a port of its own towards the lead."""

    def __init__(self, address, target, seed):
        self.target, self.chance = target, random.Random(f"relay {seed}")
        self.weather = Weather()
        self.counts = {"passed": 0, "lost": 0, "delayed": 0, "repeated": 0, "spoiled": 0, "too long": 0, "moved": 0}
        self.door = self.socket(address)
        self.lines, self.waiting, self.order = {}, [], 0
        self.free_at = {}
        self.moving = threading.Event()
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def socket(address):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind(address)
        made.setblocking(False)
        return made

    def close(self):
        """Ends it: the line is dead."""
        self.ending.set()
        self.thread.join(10)
        for line in [self.door, *self.lines.values()]:
            line.close()

    def move(self):
        """From now on the lead sees every follower at another port, as behind a NAT that forgot."""
        self.moving.set()

    def run(self):
        while not self.ending.is_set():
            self.renumber()
            wait = 0.05 if not self.waiting else max(0.0, min(0.05, self.waiting[0][0] - time.monotonic()))
            ready, _, _ = select.select([self.door, *self.lines.values()], [], [], wait)
            for line in ready:
                self.receive(line)
            self.deliver()

    def renumber(self):
        if self.moving.is_set():
            self.moving.clear()
            for follower, line in list(self.lines.items()):
                line.close()
                self.lines[follower] = self.socket(("127.0.0.1", 0))
                self.counts["moved"] += 1

    def receive(self, line):
        """Takes what a socket has."""
        for _ in range(64):
            try:
                packet, sender = line.recvfrom(65_535)
            except OSError:
                return
            if line is self.door:
                if sender not in self.lines:
                    self.lines[sender] = self.socket(("127.0.0.1", 0))
                self.take(packet, sender, True)
            else:
                follower = next((name for name, own in self.lines.items() if own is line), None)
                self.take(packet, follower, False)

    def take(self, packet, follower, inward):
        """Decides what becomes of a packet."""
        weather, chance = self.weather, self.chance
        if len(packet) > weather.bytes_max:
            self.counts["too long"] += 1
            return
        if chance.random() < weather.lose or len(self.waiting) > WAITING_MAX:
            self.counts["lost"] += 1
            return
        times = 1
        if chance.random() < weather.repeat:
            self.counts["repeated"] += 1
            times = 2
        for _ in range(times):
            sent = packet
            if chance.random() < weather.spoil:
                self.counts["spoiled"] += 1
                sent = bytearray(packet)
                for _ in range(1 + chance.randrange(4)):
                    sent[chance.randrange(len(sent))] ^= 1 << chance.randrange(8)
                sent = bytes(sent)
            self.order += 1
            heapq.heappush(self.waiting, (self.due(len(packet), follower, inward), self.order, sent, follower, inward))

    def due(self, length, follower, inward):
        """When a packet comes out at the other side."""
        now = time.monotonic()
        if self.weather.bytes_per_second:
            begins = max(now, self.free_at.get((follower, inward), now))
            now = self.free_at[(follower, inward)] = begins + length / self.weather.bytes_per_second
        later = self.weather.delay + self.chance.random() * self.weather.jitter
        self.counts["delayed"] += later > 0
        return now + later

    def deliver(self):
        """Passes on what is due."""
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, packet, follower, inward = heapq.heappop(self.waiting)
            try:
                if inward:
                    self.lines[follower].sendto(packet, self.target)
                else:
                    self.door.sendto(packet, follower)
                self.counts["passed"] += 1
            except OSError:
                self.counts["lost"] += 1
