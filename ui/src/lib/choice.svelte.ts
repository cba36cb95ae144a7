/** What somebody chooses: shown at once, and as it was when it could not be changed. */
export class Choice<Value> {
  readonly #value: () => Value;
  readonly #change: (wanted: Value) => Promise<string | null>;
  shown = $derived.by(() => this.#value());
  /** Why it could not be changed. */
  problem = $state<string | null>(null);

  /** `value`: what it is. `change` gives why it could not be changed; `null` when it was. */
  constructor(value: () => Value, change: (wanted: Value) => Promise<string | null>) {
    this.#value = value;
    this.#change = change;
  }

  async choose(wanted: Value): Promise<void> {
    this.shown = wanted;
    this.problem = await this.#change(wanted);
    if (this.problem !== null) {
      this.shown = this.#value();
    }
  }
}
