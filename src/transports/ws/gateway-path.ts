/** Stands where a gateway's path would: tells our gateway from a host's, and can be no path of a request. */
export const GATEWAY_PATH = 'metricast:endpoints';
