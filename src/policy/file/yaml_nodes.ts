/**
 * The `yaml` package, which says where in a text something stands.
 *
 * It is named whole, and not by a name of `deno.json`: that holds for programs of
 * this folder alone, and the library may be imported from another one.
 */

export {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  Parser,
  Scalar,
  visit,
  type YAMLMap,
} from "npm:yaml@2.8.1";
