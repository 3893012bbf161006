import { BuildError } from "../../base/errors/mod.ts";

const adjectives =
  "able airy amber bold brave bright brisk busy calm candid clever cosy crisp curious daring deft eager early easy fair fast fearless " +
  "fine fond frank free fresh gentle glad golden good grand happy hardy hearty honest jolly keen kind large lively lucid lucky mellow " +
  "merry mild modest neat nimble noble patient plain polite proud quick quiet rapid ready robust serene sharp silent sincere smart " +
  "snappy solid spry steady still strong sunny swift tender tidy trusty upbeat vivid warm wise witty zesty";
const surnames =
  "abel ampere archimedes babbage bardeen boole born bose brahe carson cerf church codd cori curie darwin dijkstra dirac dubinsky " +
  "edison einstein engelbart euclid euler faraday fermat fermi feynman franklin galileo galois gauss germain goldberg goodall hamilton " +
  "hawking heisenberg hertz hodgkin hopper hypatia jang joliot kepler kilby knuth lamarr lamport leavitt lovelace maxwell mayer " +
  "mcclintock meitner mendel mirzakhani moore morse newton nobel noether pascal pasteur payne perlman planck poincare ptolemy raman " +
  "ride ritchie rosalind rubin sagan shannon sinoussi sutherland tesla thompson torvalds turing villani volhard wiles wing wozniak wu yalow";

/** How often a name may be taken already. */
const tries = 6;

/**
 * A name for a builder that nobody named, `adjective_surname`; one digit is added where the first choice is taken.
 * @throws {BuildError} `failed to generate random name`
 */
export async function randomName(
  isTaken: (name: string) => Promise<boolean>,
  random: () => number = Math.random,
): Promise<string> {
  const pick = (words: string): string => {
    const list = words.split(" ");
    return list[Math.floor(random() * list.length)] as string;
  };
  for (let attempt = 0; attempt < tries; attempt++) {
    const digit = attempt === 0 ? "" : String(Math.floor(random() * 10));
    const name = `${pick(adjectives)}_${pick(surnames)}${digit}`;
    if (!(await isTaken(name))) return name;
  }
  throw new BuildError("already_exists", "failed to generate random name: name the builder with --name");
}
