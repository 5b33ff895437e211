import type { Fields } from "../../files/json.ts";
import type { Asked } from "./calls.ts";

/** How the calls of one API are told apart in the messages of its sockets. Never throws. */
export interface Dialect {
  /** A message of the client as the policy looks at it; null for one that is known to say nothing, such as sound. */
  asks(message: Fields): Omit<Asked, "at"> | null;
  /** A message of the client that went on. */
  client(message: Fields): void;
  server(message: Fields): void;
  /** The socket is closed. */
  end(): void;
}
