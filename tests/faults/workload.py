"""Closed-loop clients: each waits for an answer before it asks again, and never sends one value twice."""

import random
import threading
import time

# Enough that several changes fall into one commit.
CLIENTS = 4


class Workload:
    """Writers and readers of a lead, and readers of its followers, until they are told to stop. A broken promise that
    one of them meets is told when they are stopped."""

    def __init__(self, history, lead, followers=(), seed=0, clients=CLIENTS, readers=1, pause=0.0):
        self.history, self.lead, self.followers, self.pause = history, lead, list(followers), pause
        self.stopping = threading.Event()
        self.trouble = []
        self.threads = []
        for number in range(clients):
            self.add(self.write, number, random.Random(f"{seed}.{number}.{len(history.revisions)}"))
        for number in range(readers):
            for node in [lead, *self.followers]:
                self.add(self.read, f"reader-{node.name}-{number}", node, random.Random(f"{seed}.r{number}"))

    def add(self, work, *arguments):
        thread = threading.Thread(target=self.guarded, args=(work, *arguments), daemon=True)
        self.threads.append(thread)

    def guarded(self, work, *arguments):
        """Keeps what went wrong for whoever stops the clients."""
        try:
            while not self.stopping.is_set():
                work(*arguments)
                if self.pause:
                    time.sleep(self.pause)
        except Exception as error:  # a thread has nobody to raise to
            self.trouble.append(error)
            self.stopping.set()

    def start(self):
        """Lets them begin."""
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        """Ends them, and raises what any of them met."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        if self.trouble:
            raise self.trouble[0]

    def write(self, client, chance):
        """One change: mostly a put, of a secret of its own or of one that all write."""
        if chance.random() < 0.4:
            secret = self.history.secret(f"shared/key{chance.randrange(3)}", alone=False)
            kind = "put"
        else:
            secret = self.history.secret(f"own{client}/key{chance.randrange(2)}", alone=True)
            kind = chance.choices(["put", "delete", "undelete"], [6, 2, 2])[0]
        value = f"value {client} {chance.getrandbits(64):016x}" if kind == "put" else None
        self.history.operation(client, secret, kind, value, lambda: change(self.lead, secret.name, kind, value))
        if not self.lead.is_up():
            time.sleep(0.02)

    def read(self, client, node, chance):
        """One read of a secret that is known."""
        names = list(self.history.secrets)
        if names:
            self.history.read(client, node, self.history.secrets[chance.choice(names)])
        if not names or not node.is_up():
            time.sleep(0.02)


def change(lead, name, kind, value):
    """Asks a lead for one change."""
    if kind == "put":
        return lead.put(name, value)
    if kind == "delete":
        return lead.admin("DELETE", f"/api/secrets/{name}")
    return lead.admin("POST", f"/api/secrets/{name}/undelete")
