/** Questions about a Dockerfile, answered without building it. */
export { answerRequest } from "./answer-request.ts";
