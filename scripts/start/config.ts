import { option } from "@flowstate/shared/config/option";

/** What `npm start` itself reads; each program it starts reads its own settings from the same environment. */
export const startOptions = {
  dataDir: option.text({
    env: "FLOWSTATE_DATA_DIR",
    fallback: ".flowstate",
    describe: "Where everything is kept.",
  }),
  publicHost: option.address({
    env: "FLOWSTATE_PROXY_PUBLIC_HOST",
    describe: "The proxy's host name as devices see it; the local certificate names it too.",
  }),
  certificate: option.text({
    env: "FLOWSTATE_PROXY_CERT",
    describe: "The proxy's certificate where a real one exists; without it a local authority signs one.",
  }),
  logLevel: option.logLevel({
    env: "FLOWSTATE_LOG_LEVEL",
    fallback: "warn",
    describe: "How much the programs log to standard error.",
  }),
};
