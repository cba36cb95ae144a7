/** The time of day, for what is shown relative to it. */
class Clock {
  now = $state(Date.now());

  /** Ticks until the function it gives is called. */
  start(interval = 15_000): () => void {
    const timer = setInterval(() => this.tick(), interval);
    return () => clearInterval(timer);
  }

  tick(): void {
    this.now = Date.now();
  }
}

export const clock = new Clock();
