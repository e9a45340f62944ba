/** A question to a resolver, as rules see it. */

import type { Call } from "../../policy/call.ts";
import type { InetAddress } from "../../sys/inet.ts";

/**
 * Makes the call that a question is to rules.
 *
 * @param name the name that is asked for
 * @param resolver who is asked
 */
export function questionCall(name: string, resolver: InetAddress): Call {
  const { address, port, scope } = resolver;
  return {
    name: "connect",
    uses: [],
    net: [{
      access: "connect",
      endpoint: {
        ...{ family: "name", name },
        resolver: address.length === 4
          ? { family: "inet", address, port }
          : { family: "inet6", address, port, scope },
      },
    }],
  };
}
