/** What `GET /metrics` answered, read back: https://prometheus.io/docs/instrumenting/exposition_formats */
export class PrometheusText {
  /** The type of each family. */
  readonly families = new Map<string, string>();
  readonly #samples = new Map<string, number>();
  /** Every label that stands anywhere, by its name. */
  readonly labels = new Map<string, Set<string>>();

  /** @throws Error that shows the line which is not of the format. */
  constructor(text: string) {
    for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('# HELP '))) {
      const type = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line);
      const sample = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (type) this.families.set(type[1]!, type[2]!);
      else if (sample) this.#add(sample[1]!, sample[2] ?? '', Number(sample[3]));
      else throw new Error(`not of the format: ${line}`);
    }
  }

  /** A figure; 0 where there is none with these labels, in their order. */
  valueOf(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return this.#samples.get(`${name}{${text.join()}}`) ?? 0;
  }

  #add(name: string, labels: string, value: number): void {
    this.#samples.set(`${name}{${labels}}`, value);
    for (const [, label, of] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      this.labels.set(label!, (this.labels.get(label!) ?? new Set()).add(of!));
    }
  }
}
