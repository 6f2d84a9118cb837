"""A warehouse, simulated event by event: orders come in as text, are read, packed, sent, sometimes returned, and reported on.

It imports nothing, so that what it does is decided by this file and the interpreter alone.
"""

WORDS = "bolt nut washer spring hinge lever gasket bearing pin bracket clamp hose filter seal".split()


class Sequence:
    """A fixed sequence of pseudo-random numbers."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = self.state * 16807 % 2147483647
        return self.state % limit


class Item:
    def __init__(self, part, count):
        self.part = part
        self.count = count


class Order:
    def __init__(self, number, customer, items, urgent):
        self.number = number
        self.customer = customer
        self.items = items
        self.urgent = urgent
        self.history = []

    def note(self, time, what):
        self.history.append((time, what))

    def weight(self):
        return sum(item.count * (1 + len(item.part)) for item in self.items)


class Queue:
    """A binary heap of (time, serial number, action, arguments)."""

    def __init__(self):
        self.heap = []
        self.serial = 0

    def push(self, time, action, *arguments):
        self.serial += 1
        heap, at = self.heap, len(self.heap)
        heap.append((time, self.serial, action, arguments))
        while at > 0 and heap[at][:2] < heap[(at - 1) // 2][:2]:
            heap[at], heap[(at - 1) // 2] = heap[(at - 1) // 2], heap[at]
            at = (at - 1) // 2

    def pop(self):
        heap = self.heap
        first, last = heap[0], heap.pop()
        if heap:
            heap[0], at = last, 0
            while (child := 2 * at + 1) < len(heap):
                if child + 1 < len(heap) and heap[child + 1][:2] < heap[child][:2]:
                    child += 1
                if heap[at][:2] <= heap[child][:2]:
                    break
                heap[at], heap[child] = heap[child], heap[at]
                at = child
        return first


def read(text):
    """An order from the text that a customer sends: `17 for ann: 3 bolt, 2 hinge; urgent`."""
    head, _, rest = text.partition(": ")
    number, _, customer = head.partition(" for ")
    goods, _, flags = rest.partition("; ")
    items = []
    for part in goods.split(", "):
        count, name = part.split(" ")
        items.append(Item(name, int(count)))
    return Order(int(number), customer, items, "urgent" in flags.split())


class Warehouse:
    def __init__(self):
        self.sequence = Sequence(43)
        self.queue = Queue()
        self.stock = {word: 400 for word in WORDS}
        self.open = {}
        self.archive = []
        self.customers = {}
        self.waiting = []
        self.numbers = 0

    def arrive(self, time):
        self.numbers += 1
        below = self.sequence.below
        goods = ", ".join(f"{1 + below(9)} {WORDS[below(len(WORDS))]}" for _ in range(1 + below(5)))
        text = f"{self.numbers} for customer-{below(150):03}: {goods}; {'urgent' if below(4) == 0 else 'usual'} {self.numbers % 7}"
        order = read(text)
        order.note(time, "read")
        self.open[order.number] = order
        self.customers.setdefault(order.customer, []).append(order.number)
        self.queue.push(time + (1 if order.urgent else 3), self.pack, order)
        if self.numbers < 1600:
            self.queue.push(time + 1 + below(3), self.arrive)

    def pack(self, time, order):
        missing = [item for item in order.items if self.stock[item.part] < item.count]
        if missing:
            order.note(time, "waits for " + ", ".join(sorted({item.part for item in missing})))
            self.waiting.append(order)
            if len(self.waiting) == 1:
                self.queue.push(time + 20, self.deliver)
            return
        for item in order.items:
            self.stock[item.part] -= item.count
        order.note(time, f"packed, {order.weight() / 10:.1f} kg")
        self.queue.push(time + 5 + self.sequence.below(40), self.send, order)

    def deliver(self, time):
        for part, count in sorted(self.stock.items(), key=lambda entry: entry[1])[:6]:
            self.stock[part] = count + 300
        again, self.waiting = self.waiting, []
        for order in again:
            self.queue.push(time + 1, self.pack, order)

    def send(self, time, order):
        order.note(time, "sent")
        del self.open[order.number]
        if self.sequence.below(12) == 0:
            self.queue.push(time + 100, self.take_back, order)
        else:
            self.archive.append(order)
            if len(self.archive) > 250:
                self.close(time)

    def take_back(self, time, order):
        for item in order.items:
            self.stock[item.part] += item.count
        order.note(time, "returned")
        self.archive.append(order)

    def close(self, time):
        """Reports on the older half of the archive, and forgets it."""
        half = len(self.archive) // 2
        old, self.archive = self.archive[:half], self.archive[half:]
        sold, lines = {}, []
        for order in sorted(old, key=lambda order: (order.customer, order.number)):
            for item in order.items:
                sold[item.part] = sold.get(item.part, 0) + item.count
            steps = "; ".join(f"{what} at {when}" for when, what in order.history)
            lines.append(f"{order.customer:>14} {order.number:6} {steps}")
            self.customers[order.customer].remove(order.number)
        lines.append(", ".join(f"{count} x {part}" for part, count in sorted(sold.items())))
        print("\n".join(lines).replace("customer-", "no. "))

    def run(self):
        self.queue.push(0, self.arrive)
        while self.queue.heap:
            time, _, action, arguments = self.queue.pop()
            action(time, *arguments)
        self.close(time)


Warehouse().run()
