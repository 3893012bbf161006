/** Pieces that make a Dockerfile interesting where they land. */
const pieces = [
  ...'\\ ` \' " $ ${ } ${x ${x:-y} ${x:?no} ${x#*/} ${x%%.*} ${x//a/b} ${x^} $1 # # = : ; , . / /./ .. * ? [ ] [] [" -- --x --link --link= --from='.split(
    " ",
  ),
  ..."<<EOF <<-EOF <<'EOF' 3<<E << EOF EOF \\\n \\\n\n \n \r\n \t \u00a0 \ufeff \u0000 é 日 as AS scratch base 0 1 -1 80/tcp 80/TCP 1-3 5s".split(
    " ",
  ),
  "\n\n",
  " \\\n",
  "\\\n# comment\n",
  "# check=skip=all\n",
  "# escape=`\n",
  "# syntax=docker/dockerfile:1\n",
  "RUN <<EOF\nx\nEOF\n",
  "FROM scratch\n",
  "FROM scratch as other\n",
  "FROM base\n",
  "COPY --from=base a b\n",
  "ONBUILD RUN x\n",
  "ONBUILD ONBUILD RUN x\n",
  "--mount=type=cache,target=/x",
  "--mount=type=secret,id=x,env=Y",
  "--chmod=u=rwX,go+r",
  "--chmod=08",
  "--network=none",
  '["a", "b"]',
  '["a", 1]',
  '["a",]',
  "a=b c=d",
  "a='b c' d",
  "HEALTHCHECK --interval=1us CMD x\n",
  "EXPOSE $p 80-70\n",
  "STOPSIGNAL SIGRTMIN+20\n",
  "SHELL x\n",
  'VOLUME [""]\n',
  "ARG\n",
  "ARG x=1 y\n",
  "ENV x\n",
  "ENV a b\n",
  "LABEL =x\n",
  "WORKDIR\n",
  "MAINTAINER a b\n",
  "ADD --checksum=x a b\n",
] as const;

/** Random numbers that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A Dockerfile made of one of `corpus` by a few small changes; the same for the same seed. */
export function mutate(corpus: readonly string[], seed: number): string {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
  let text = pick(corpus);
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = below(text.length + 1);
    const lines = text.split("\n");
    switch (below(8)) {
      case 0: // a character less
        text = text.slice(0, at) + text.slice(at + 1);
        break;
      case 1: // a line less
        lines.splice(below(lines.length), 1);
        text = lines.join("\n");
        break;
      case 2: // a line twice
        lines.splice(below(lines.length), 0, pick(lines));
        text = lines.join("\n");
        break;
      case 3: // a line from elsewhere
        lines.splice(below(lines.length), 0, pick(pick(corpus).split("\n")));
        text = lines.join("\n");
        break;
      case 4: // two lines changed over
        {
          const [a, b] = [below(lines.length), below(lines.length)];
          [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
        }
        text = lines.join("\n");
        break;
      case 5: // a letter in the other case
        {
          const char = text[at] ?? "";
          const other = char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
          text = text.slice(0, at) + other + text.slice(at + 1);
        }
        break;
      default: // something more
        text = text.slice(0, at) + pick(pieces) + text.slice(at);
    }
  }
  return text;
}
