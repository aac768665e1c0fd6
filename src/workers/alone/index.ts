/** A door of its own: a proxy of one process must not pay for the code of workers. */
export { startProxyAlone } from "../proxy-alone.ts";
