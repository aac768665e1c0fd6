export { jwtFilter } from "./jwt-filter.ts";
export { JwtVerifiers } from "./jwt-verifiers.ts";
