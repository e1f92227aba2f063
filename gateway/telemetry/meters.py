"""Counters and histograms that cost a fraction of a microsecond to update.

They are plain numbers of the process, without the locks of `prometheus_client`: all are updated on
the event loop, and read when `/metrics` is.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

Labels = tuple[str, ...]
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the buckets of operations and calls."""
MINUTES = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Bounds, in seconds, of the buckets of tasks."""
OTHER = "other"
MAX_NAME = 100
"""Characters of a client's name that are kept."""


class CountMeter:
    """A counter for each combination of labels."""

    def __init__(self, name: str, description: str, labels: Labels = ()) -> None:
        self.name = name
        self.description = description
        self.labels = labels
        self.values: Counter[Labels] = Counter() if labels else Counter({(): 0})

    def add(self, *labels: str, by: float = 1) -> None:
        """Count something."""
        self.values[labels] += by  # type: ignore[assignment]  # bytes and seconds are counted too

    def collect(self) -> CounterMetricFamily:
        """Return the present values."""
        family = CounterMetricFamily(self.name, self.description, labels=self.labels)
        for labels, value in self.values.items():
            family.add_metric(labels, value)
        return family


class GaugeMeter:
    """A number of the present, counted or measured, for each combination of labels."""

    def __init__(self, name: str, description: str, labels: Labels = ()) -> None:
        self.name = name
        self.description = description
        self.labels = labels
        self.values: dict[Labels, float] = defaultdict(float, {} if labels else {(): 0})

    def show(self, *labels: str) -> None:
        """Report what there is with these labels from now on, even if it is nothing."""
        self.values[labels] += 0

    @contextmanager
    def one_more(self, *labels: str, by: int = 1) -> Iterator[None]:
        """Count one more, or several, while the block runs."""
        self.values[labels] += by
        try:
            yield
        finally:
            self.values[labels] -= by

    def set(self, value: float, *labels: str) -> None:
        """Set the present value of something that is measured."""
        self.values[labels] = value

    def collect(self) -> GaugeMetricFamily:
        """Return the present values."""
        family = GaugeMetricFamily(self.name, self.description, labels=self.labels)
        for labels, value in self.values.items():
            family.add_metric(labels, value)
        return family


class UnderwayMeter:
    """A number of things under way and the start of each, for each combination of labels."""

    def __init__(self, name: str, description: str, labels: Labels = ()) -> None:
        self.name = name
        self.description = description
        self.labels = labels
        self._starts: dict[Labels, dict[object, float]] = {}

    @contextmanager
    def one_more(self, *labels: str) -> Iterator[None]:
        """Count one more while the block runs."""
        starts, mark = self._starts.setdefault(labels, {}), object()
        starts[mark] = perf_counter()
        try:
            yield
        finally:
            del starts[mark]

    def ages(self) -> Iterator[tuple[Labels, float]]:
        """Yield for how many seconds the oldest has been under way, 0 if there is none."""
        moment = perf_counter()
        for labels, starts in self._starts.items():
            yield labels, moment - next(iter(starts.values()), moment)

    def collect(self) -> GaugeMetricFamily:
        """Return how many there are."""
        family = GaugeMetricFamily(self.name, self.description, labels=self.labels)
        for labels, starts in self._starts.items():
            family.add_metric(labels, len(starts))
        return family


class AgeMeter:
    """The age in seconds of the oldest of what another meter counts."""

    def __init__(self, name: str, description: str, of: UnderwayMeter) -> None:
        self.name = name
        self.description = description
        self._of = of

    def collect(self) -> GaugeMetricFamily:
        """Return the present ages."""
        family = GaugeMetricFamily(self.name, self.description, labels=self._of.labels)
        for labels, seconds in self._of.ages():
            family.add_metric(labels, seconds)
        return family


class TimeMeter:
    """A histogram of durations in seconds for each combination of labels."""

    def __init__(
        self,
        name: str,
        description: str,
        labels: Labels = (),
        bounds: Sequence[float] = SECONDS,
    ) -> None:
        self.name = name
        self.description = description
        self.labels = labels
        self._bounds = bounds
        self._buckets: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, seconds: float, *labels: str) -> None:
        """Add a duration."""
        buckets = self._buckets.get(labels)
        if buckets is None:
            buckets = self._buckets[labels] = [0] * (len(self._bounds) + 1)
            self._sums[labels] = 0.0
        buckets[bisect_left(self._bounds, seconds)] += 1
        self._sums[labels] += seconds

    @contextmanager
    def time(self, *labels: str) -> Iterator[None]:
        """Add the duration of the block, however it ends."""
        started = perf_counter()
        try:
            yield
        finally:
            self.observe(perf_counter() - started, *labels)

    def collect(self) -> HistogramMetricFamily:
        """Return the present buckets, each with all that are smaller, as Prometheus has them."""
        family = HistogramMetricFamily(self.name, self.description, labels=self.labels)
        for labels, buckets in self._buckets.items():
            family.add_metric(labels, [*self._cumulated(buckets)], self._sums[labels])
        return family

    def _cumulated(self, buckets: list[int]) -> Iterator[tuple[str, int]]:
        total = 0
        for bound, count in zip([*map(str, self._bounds), "+Inf"], buckets, strict=True):
            total += count
            yield bound, total


Meter = CountMeter | GaugeMeter | UnderwayMeter | AgeMeter | TimeMeter


class BoundedNames:
    """The first distinct names that clients chose; all later ones are `other`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._names: set[str] = set()

    def __call__(self, name: str) -> str:
        """Return the label of a name."""
        if name in self._names:
            return name
        if len(self._names) >= self._size or len(name) > MAX_NAME:
            return OTHER
        self._names.add(name)
        return name
