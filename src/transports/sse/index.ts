export { STREAM_DIALECTS, type StreamDialects, StreamController } from './stream.controller.js';
