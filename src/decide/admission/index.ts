export type { AdmissionRequest, CallerFacts, Claims, HttpFacts } from "./request.ts";
