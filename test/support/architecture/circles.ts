import type { Import } from './imports.js';

export interface Edge {
  from: string;
  to: string;
}

/** The circles among the edges, each as the nodes it passes; through every node that is on one, the shortest is given. */
export function circlesOf(edges: readonly Edge[]): string[][] {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of edges) next.set(from, (next.get(from) ?? new Set()).add(to));

  const circles = new Map<string, string[]>();
  for (const node of next.keys()) {
    const circle = shortestWayBack(node, next);
    const key = circle?.toSorted().join();
    if (circle && key && !circles.has(key)) circles.set(key, circle);
  }
  return [...circles.values()];
}

/**
 * The imports between folders that lie side by side, at every depth: `store/a.ts → hub/b.ts` is `store → hub`,
 * `feeds/skills/a.ts → feeds/tools/b.ts` is `feeds/skills → feeds/tools`. A folder may know its own subfolders and be
 * known by them, and the files at the top belong to no folder.
 */
export function folderEdges(imports: readonly Import[]): (Edge & { because: Import })[] {
  return imports.flatMap((because) => {
    const from = because.from.split('/');
    const to = because.to.split('/');
    const fork = from.findIndex((part, depth) => part !== to[depth]);
    const areFolders = fork >= 0 && fork < from.length - 1 && fork < to.length - 1;
    if (!areFolders) return [];
    return [{ from: from.slice(0, fork + 1).join('/'), to: to.slice(0, fork + 1).join('/'), because }];
  });
}

function shortestWayBack(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const node of next.get(way.at(-1)!) ?? []) {
      if (node === start) return way;
      if (seen.has(node)) continue;
      seen.add(node);
      ways.push([...way, node]);
    }
  }
  return undefined;
}
