// Scales and their ticks.

// Ticks of 1, 2 or 5 times a power of ten, about `count` of them, from 0 to beyond `max`.
function linearTicks(max, count, whole) {
  const raw = (max > 0 ? max : 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].find((times) => times * power >= raw * 0.999) * power;
  if (whole) step = Math.max(1, step);
  const ticks = [0];
  while (ticks[ticks.length - 1] < max * 0.9999 || ticks.length < 2)
    ticks.push(ticks.length * step);
  return ticks;
}

// Ticks of a log scale that hold both bounds: 1-2-5 for a short range, powers of ten for a long.
function logTicks(min, max) {
  const steps = Math.log10(max / min) < 2.2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)) - 1; power <= Math.ceil(Math.log10(max)); power++) {
    for (const step of steps) ticks.push(step * 10 ** power);
  }
  const from = ticks.findLastIndex((tick) => tick <= min * 1.0001);
  let to = ticks.findIndex((tick) => tick >= max * 0.9999);
  if (to === from) to++;
  return ticks.slice(from, to + 1);
}

// Ticks of a time axis, at most `count`, in steps that a clock has.
function timeTicks(from, to, count) {
  const steps = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400,
  ];
  const step = steps.find((seconds) => (to - from) / seconds <= count) || 604800;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to + 1e-9; at += step) ticks.push(at);
  return ticks;
}

// From values to places.
function scale(low, high, start, end, log) {
  const bend = log ? Math.log10 : (value) => value;
  const [a, b] = [bend(low), bend(high)];
  return (value) => start + ((bend(value) - a) / (b - a || 1)) * (end - start);
}

// A label of a tick: no more decimals than it needs.
function tickText(value) {
  const decimals =
    value === 0 || Math.abs(value) >= 1
      ? Number.isInteger(value)
        ? 0
        : 1
      : Math.min(6, Math.ceil(-Math.log10(Math.abs(value)) - 1e-9));
  return number(value, decimals);
}
