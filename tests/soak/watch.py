"""What the Prometheus that scrapes the program is asked in the end."""

SUFFIXES = {"counter": ("", "_total"), "histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}


class Watch:
    def __init__(self, prometheus):
        self.prometheus = prometheus

    def scrapes(self):
        return int(sum(self.prometheus.values("count_over_time(up[1h])")))

    def most_objects(self, window):
        """Of the whole kernel: others may have made crowds, which cost memory and time."""
        queries = {name: f"max_over_time(sum(bpf_{name})[{window}:1s])" for name in ("programs", "maps", "links")}
        return {name: sum(self.prometheus.values(query)) for name, query in queries.items()}

    def counters(self):
        """The names of all series that may only grow."""
        there = set(self.prometheus.ask("label/__name__/values"))
        typed = self.prometheus.ask("metadata")
        return sorted(name + suffix for name, entries in typed.items()
                      for suffix in SUFFIXES.get(entries[0]["type"], ()) if name + suffix in there)

    def found(self, window):
        """What should not have happened within the window, in words."""
        if self.prometheus.values(f"min_over_time(up[{window}])") != [1]:
            yield "up was not 1 throughout"
        success = self.prometheus.values(f"min(min_over_time(bpftally_collector_success[{window}]))")
        if success != [1]:
            yield f"a collector failed: bpftally_collector_success {success}"
        counters = self.counters()
        if len(counters) < 20:
            yield f"too few counters to tell: {counters}"
        for name in counters:
            for series in self.prometheus.instant(f"resets({name}[{window}]) > 0"):
                yield f"went backwards: {name}{series['metric']}, {series['value'][1]} times"
