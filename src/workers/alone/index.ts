export { startProxyAlone } from "../proxy-alone.ts";
