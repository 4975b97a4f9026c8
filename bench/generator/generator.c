/*
 * A load generator that costs next to nothing: one thread, epoll, loopback. It opens connections, says to each what it
 * is given as bytes, and from then on only counts what comes: it knows no protocol but where a WebSocket frame begins
 * and ends, whose header may look like anything.
 * It publishes by itself, over a connection of its own, so that all times are of one clock (CLOCK_MONOTONIC).
 * It answers pings of WebSockets, which every client does, and nothing else: no ping of NATS or of Socket.IO, so the
 * servers' heartbeats are to be long.
 *
 * Commands come as lines on standard input, one at a time: a name and `key=value` after a tab each. Each is answered by
 * one line of JSON on standard output, `{"error":"…"}` where it failed. It ends when its standard input closes.
 * Values that end in `_file` are paths. A file of records holds each as its length (32 bits, little-endian) and its
 * bytes; where there are fewer records than connections or requests, they are taken in turn again.
 *
 * open     Opens connections, beside those that are open already.
 *            port, connections, in_flight (handshakes under way at once),
 *            openings_file (records: the first bytes of each connection, an HTTP request, say),
 *            http=1 (the opening is answered by a head of HTTP with 101 or 200), subscribes_file (records: what is sent
 *            then; may be absent), answer_file (bytes that must come then; absent: none) or answer_frames (so many data
 *            frames must come, for what is compressed), count=markers|frames (publications: a '~' each, or a data frame
 *            each), rate (bytes a second that it reads: -1 all that comes, 0 none), receive_buffer (bytes that the kernel
 *            may hold for it; 0: as it likes), deadline (seconds).
 *            Only connections that read all are waited for and timed by the commands below.
 * waves    Publishes, waits until every connection has counted `per_wave` more, publishes the next.
 *            waves or seconds (whichever comes first; 0: no bound), per_wave (0: only the publisher's answers are waited
 *            for), deadline, and the publisher's:
 *            port, requests_file (records: one for each wave), answers (heads of HTTP that answer one request; 0: none),
 *            opening_file (the first bytes of the publisher; may be absent), opening_answer_file (what must come then).
 * paced    Publishes at a rate, and waits for what is still under way at the end.
 *            rate (requests a second), seconds, per_request (publications that each connection counts), settle (seconds
 *            to wait at the end), deadline, and the publisher's as above. Times count from when a request was due.
 * watch    Counts for so many seconds; publishes nothing.
 * status   What each open command's connections have counted, and how many are open.
 * close    Closes all connections.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MARKER '~'
#define SECOND 1000000000LL
#define EVENTS 512
#define READ_BYTES (256 * 1024)
/* What a server may say before it has answered. */
#define GREETING_BYTES (64 * 1024)
#define SLOW_TICK (SECOND / 20)
/* Between two looks at whether something came, which take a lock that the server's writes take as well. */
#define REST 5000
#define MAX_GROUPS 1024

typedef int64_t nanos;

enum { INPUT_ID = UINT32_MAX, TIMER_ID = UINT32_MAX - 1, PUBLISHER_ID = UINT32_MAX - 2 };

enum state { CONNECTING, OPENING, SUBSCRIBING, OPEN, CLOSED };

struct bytes {
  char *data;
  size_t length;
};

struct records {
  struct bytes *items;
  size_t count;
  char *file;
};

struct group {
  unsigned connections, open;
  bool frames;
  /* Bytes a second; negative: all that comes. */
  int64_t rate;
  uint64_t deliveries, bytes;
};

struct connection {
  int fd;
  uint8_t state;
  uint8_t header_length;
  uint8_t header[10];
  /* Its opening was answered with 101. */
  bool is_websocket;
  uint16_t group;
  /* Payload of the current frame that is still to come. */
  uint64_t frame_left;
  /* The answer to the ping that is being read; empty for any other frame. */
  uint8_t pong_length, pong[6 + 125];
  /* Publications since the command began. */
  uint64_t counted;
  uint64_t data_frames;
  /* What came before the answer did; freed then. */
  char *greeting;
  size_t greeting_length;
  nanos began;
};

static struct connection *connections;
static unsigned connection_count;
static struct group groups[MAX_GROUPS];
static unsigned group_count;
static bool has_slow;

static int poller, timer;
static nanos now;
static char error[512];
static char line[8192];
static size_t line_length;
static bool line_ready;
static char buffer[READ_BYTES];

/* Of the open command under way. */
static struct {
  unsigned in_flight, opened;
  struct records openings, subscribes;
  struct bytes answer;
  uint64_t answer_frames;
  bool http;
} opening;

/* Of the command under way that counts. */
static enum { NOTHING, WAVES, PACED } mode;
static nanos wave_began;
static int64_t wave_left;
static uint64_t per_publish, published, deliveries, surplus, closed_live;
static nanos *published_at;

static struct {
  int fd;
  char *pending;
  size_t pending_length, pending_size;
  uint64_t answers;
  size_t matched;
} publisher = {.fd = -1};

/* Latencies, each bucket at most 1/128 wide of what it holds. */
#define SUB_BITS 7
static uint64_t histogram[64 << SUB_BITS];
static uint64_t histogram_count;
static nanos histogram_max;

static void fail(const char *format, ...) {
  if (error[0]) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error, sizeof error, format, arguments);
  va_end(arguments);
}

static nanos clock_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static void histogram_reset(void) {
  memset(histogram, 0, sizeof histogram);
  histogram_count = 0;
  histogram_max = 0;
}

static void histogram_add(nanos value, uint64_t count) {
  uint64_t v = value < 1 ? 1 : (uint64_t)value;
  unsigned exponent = 63 - __builtin_clzll(v);
  uint64_t mantissa = exponent <= SUB_BITS ? v << (SUB_BITS - exponent) : v >> (exponent - SUB_BITS);
  histogram[(exponent << SUB_BITS) + (mantissa & ((1 << SUB_BITS) - 1))] += count;
  histogram_count += count;
  if (value > histogram_max) histogram_max = value;
}

/* In milliseconds. */
static double histogram_percentile(double share) {
  uint64_t rank = (uint64_t)ceil(share * (double)histogram_count), seen = 0;
  for (size_t index = 0; index < sizeof histogram / sizeof *histogram; index++) {
    seen += histogram[index];
    if (seen < rank || histogram[index] == 0) continue;
    double exponent = (double)(index >> SUB_BITS), mantissa = (double)(index & ((1 << SUB_BITS) - 1)) + 0.5;
    return ldexp(1 + mantissa / (1 << SUB_BITS), (int)exponent) / 1e6;
  }
  return 0;
}

static void watch_fd(int operation, int fd, uint32_t events, uint32_t id) {
  struct epoll_event event = {.events = events, .data.u32 = id};
  if (epoll_ctl(poller, operation, fd, &event) < 0) fail("epoll_ctl: %s", strerror(errno));
}

static bool is_counted(const struct connection *connection) {
  return connection->state == OPEN && groups[connection->group].rate < 0;
}

static void close_connection(struct connection *connection) {
  if (connection->state == CLOSED) return;
  if (connection->state == OPEN) groups[connection->group].open--;
  if (is_counted(connection)) closed_live++;
  close(connection->fd);
  free(connection->greeting);
  connection->greeting = NULL;
  connection->state = CLOSED;
}

/* --- counting --- */

static void deliver(struct connection *connection, uint64_t count) {
  struct group *group = &groups[connection->group];
  group->deliveries += count;
  if (group->rate >= 0) return;
  deliveries += count;
  uint64_t before = connection->counted;
  connection->counted += count;
  if (mode == WAVES) {
    histogram_add(now - wave_began, count);
    wave_left -= (int64_t)count;
    if (connection->counted > published * per_publish) surplus += count;
  } else if (mode == PACED) {
    for (uint64_t each = before; each < connection->counted; each++) {
      uint64_t request = each / per_publish;
      if (request < published) histogram_add(now - published_at[request], 1);
      else surplus++;
    }
  }
}

static uint64_t markers(const char *data, size_t length) {
  uint64_t count = 0;
  const char *end = data + length;
  for (;;) {
    const char *found = memchr(data, MARKER, (size_t)(end - data));
    if (!found) return count;
    count++;
    data = found + 1;
  }
}

/* RFC 6455, 5.5.3: the answer repeats the payload of the ping. A mask of zeros is a mask, and changes nothing. */
static void begin_pong(struct connection *connection, uint64_t payload) {
  memcpy(connection->pong, (uint8_t[]){0x8a, (uint8_t)(0x80 | payload), 0, 0, 0, 0}, 6);
  connection->pong_length = 6;
}

static void send_pong(struct connection *connection) {
  /* One that does not leave at once is lost: then the connection has more than enough to read. */
  send(connection->fd, connection->pong, connection->pong_length, MSG_NOSIGNAL | MSG_DONTWAIT);
  connection->pong_length = 0;
}

/* RFC 6455, 5.2: headers are read, payloads are not. Counts the markers in payloads, or the frames that are the first of
 * a message: text or binary, not a continuation and not control. */
static uint64_t framed(struct connection *connection, const char *data, size_t length, bool frames) {
  uint64_t count = 0;
  while (length > 0) {
    if (connection->frame_left > 0) {
      size_t skipped = length < connection->frame_left ? length : (size_t)connection->frame_left;
      if (connection->pong_length > 0) {
        memcpy(connection->pong + connection->pong_length, data, skipped);
        connection->pong_length += (uint8_t)skipped;
      } else if (!frames) {
        count += markers(data, skipped);
      }
      connection->frame_left -= skipped;
      if (connection->pong_length > 0 && connection->frame_left == 0) send_pong(connection);
      data += skipped;
      length -= skipped;
      continue;
    }
    uint8_t *header = connection->header;
    header[connection->header_length++] = (uint8_t)*data++;
    length--;
    if (connection->header_length < 2) continue;
    uint8_t short_length = header[1] & 0x7f;
    unsigned needed = short_length == 127 ? 10 : short_length == 126 ? 4 : 2;
    if (connection->header_length < needed) continue;
    if (header[1] & 0x80) fail("a server must not mask its frames");
    uint64_t payload = needed == 2 ? short_length : 0;
    for (unsigned index = 2; index < needed; index++) payload = payload << 8 | header[index];
    uint8_t opcode = header[0] & 0x0f;
    if (frames && (opcode == 1 || opcode == 2)) count++;
    connection->frame_left = payload;
    connection->header_length = 0;
    if (opcode == 9 && payload <= 125) begin_pong(connection, payload);
    if (opcode == 9 && payload == 0) send_pong(connection);
  }
  return count;
}

static void count_bytes(struct connection *connection, const char *data, size_t length) {
  struct group *group = &groups[connection->group];
  group->bytes += length;
  uint64_t count = connection->is_websocket ? framed(connection, data, length, group->frames) : markers(data, length);
  if (count > 0) deliver(connection, count);
}

/* --- opening --- */

static void send_whole(struct connection *connection, struct bytes bytes) {
  ssize_t sent = send(connection->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
  /* A new socket takes some 100 KB at once; nobody subscribes with more. */
  if (sent != (ssize_t)bytes.length) fail("an opening could not be sent: %s", sent < 0 ? strerror(errno) : "too long");
}

/* What came before the rest is not counted. */
static void opened(struct connection *connection, size_t rest) {
  struct group *group = &groups[connection->group];
  connection->state = OPEN;
  histogram_add(now - connection->began, 1);
  opening.in_flight--;
  opening.opened++;
  group->open++;
  if (connection->is_websocket && opening.answer_frames == 0) framed(connection, connection->greeting, rest, false);
  if (rest < connection->greeting_length) {
    count_bytes(connection, connection->greeting + rest, connection->greeting_length - rest);
  }
  free(connection->greeting);
  connection->greeting = NULL;
  if (group->rate >= 0) watch_fd(EPOLL_CTL_MOD, connection->fd, EPOLLRDHUP, (uint32_t)(connection - connections));
}

static void open_if_answered(struct connection *connection) {
  if (opening.answer_frames > 0) {
    if (connection->data_frames >= opening.answer_frames) opened(connection, connection->greeting_length);
    return;
  }
  if (opening.answer.length == 0) {
    opened(connection, 0);
    return;
  }
  const char *found =
      memmem(connection->greeting, connection->greeting_length, opening.answer.data, opening.answer.length);
  if (found) opened(connection, (size_t)(found - connection->greeting) + opening.answer.length);
}

static void subscribe(struct connection *connection, unsigned index) {
  connection->state = SUBSCRIBING;
  if (opening.subscribes.count > 0) send_whole(connection, opening.subscribes.items[index % opening.subscribes.count]);
}

static void read_greeting(struct connection *connection, const char *data, size_t length) {
  unsigned index = (unsigned)(connection - connections);
  size_t old = connection->greeting_length;
  if (old + length > GREETING_BYTES) {
    fail("the server said %zu bytes and not the answer", old + length);
    return;
  }
  connection->greeting = realloc(connection->greeting, old + length + 1);
  memcpy(connection->greeting + old, data, length);
  connection->greeting_length += length;
  connection->greeting[connection->greeting_length] = 0;
  if (connection->state == OPENING) {
    char *end = strstr(connection->greeting, "\r\n\r\n");
    if (!end) return;
    if (strncmp(connection->greeting, "HTTP/1.1 101", 12) != 0 && strncmp(connection->greeting, "HTTP/1.1 200", 12) != 0) {
      *strstr(connection->greeting, "\r\n") = 0;
      fail("an opening was answered with %.100s", connection->greeting);
      return;
    }
    connection->is_websocket = strncmp(connection->greeting, "HTTP/1.1 101", 12) == 0;
    size_t head = (size_t)(end - connection->greeting) + 4;
    /* From here on the greeting is what came after the head. */
    connection->greeting_length -= head;
    memmove(connection->greeting, connection->greeting + head, connection->greeting_length + 1);
    old = 0;
    subscribe(connection, index);
  }
  if (opening.answer_frames > 0) {
    connection->data_frames += framed(connection, connection->greeting + old, connection->greeting_length - old, true);
  }
  open_if_answered(connection);
}

static void connected(struct connection *connection) {
  unsigned index = (unsigned)(connection - connections);
  int failure = 0;
  socklen_t size = sizeof failure;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure) {
    fail("connect: %s", strerror(failure));
    return;
  }
  send_whole(connection, opening.openings.items[index % opening.openings.count]);
  watch_fd(EPOLL_CTL_MOD, connection->fd, EPOLLIN, index);
  if (opening.http) {
    connection->state = OPENING;
  } else {
    subscribe(connection, index);
    if (opening.answer.length == 0 && opening.answer_frames == 0) opened(connection, 0);
  }
}

static struct sockaddr_in loopback(unsigned port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void begin_connection(unsigned index, unsigned port, unsigned group, int receive_buffer) {
  struct connection *connection = &connections[index];
  int one = 1;
  *connection = (struct connection){.group = (uint16_t)group, .state = CONNECTING, .began = clock_now()};
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) {
    connection->state = CLOSED;
    fail("socket: %s", strerror(errno));
    return;
  }
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (receive_buffer > 0) setsockopt(connection->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  struct sockaddr_in address = loopback(port);
  if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    fail("connect: %s", strerror(errno));
    return;
  }
  opening.in_flight++;
  watch_fd(EPOLL_CTL_ADD, connection->fd, EPOLLOUT, index);
}

/* --- events --- */

static void on_connection(struct connection *connection, uint32_t events) {
  if (connection->state == CLOSED) return;
  if (connection->state == CONNECTING) {
    connected(connection);
    return;
  }
  bool is_open = connection->state == OPEN;
  if (is_open && groups[connection->group].rate >= 0) {
    /* It does not read; it is only told of the end. */
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) close_connection(connection);
    return;
  }
  ssize_t length = recv(connection->fd, buffer, sizeof buffer, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    if (!is_open) fail("the server closed a connection before it had answered");
    close_connection(connection);
    return;
  }
  now = clock_now();
  if (is_open) count_bytes(connection, buffer, (size_t)length);
  else read_greeting(connection, buffer, (size_t)length);
}

static nanos next_slow_tick;

/* Those that read slowly get their share of bytes twenty times a second. */
static void read_slowly(void) {
  for (unsigned index = 0; index < connection_count; index++) {
    struct connection *connection = &connections[index];
    int64_t rate = groups[connection->group].rate;
    if (connection->state != OPEN || rate <= 0) continue;
    size_t share = (size_t)(rate / (SECOND / SLOW_TICK));
    if (share < 1) share = 1;
    ssize_t length = recv(connection->fd, buffer, share < sizeof buffer ? share : sizeof buffer, 0);
    if (length > 0) count_bytes(connection, buffer, (size_t)length);
    else if (length == 0 || (errno != EAGAIN && errno != EINTR)) close_connection(connection);
  }
}

static void publish_pending(void) {
  while (publisher.pending_length > 0) {
    ssize_t sent = send(publisher.fd, publisher.pending, publisher.pending_length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) {
      fail("publishing: %s", strerror(errno));
      return;
    }
    publisher.pending_length -= (size_t)sent;
    memmove(publisher.pending, publisher.pending + sent, publisher.pending_length);
  }
  watch_fd(EPOLL_CTL_MOD, publisher.fd, publisher.pending_length > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN, PUBLISHER_ID);
}

static void publish(struct bytes request) {
  if (publisher.pending_length == 0) {
    ssize_t sent = send(publisher.fd, request.data, request.length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      fail("publishing: %s", strerror(errno));
      return;
    }
    if (sent > 0) {
      request.data += sent;
      request.length -= (size_t)sent;
    }
    if (request.length == 0) return;
  }
  if (publisher.pending_length + request.length > publisher.pending_size) {
    publisher.pending_size = 2 * (publisher.pending_length + request.length);
    publisher.pending = realloc(publisher.pending, publisher.pending_size);
  }
  memcpy(publisher.pending + publisher.pending_length, request.data, request.length);
  publisher.pending_length += request.length;
  publish_pending();
}

/* Counts heads of HTTP, which may come in pieces; nothing else that is answered says `HTTP/1.1 `. */
static void on_publisher(uint32_t events) {
  static const char head[] = "HTTP/1.1 ";
  if (events & EPOLLOUT) publish_pending();
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t length = recv(publisher.fd, buffer, sizeof buffer - 1, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    fail("the server closed the publisher's connection");
    return;
  }
  buffer[length] = 0;
  for (ssize_t index = 0; index < length; index++) {
    if (publisher.matched == sizeof head - 1) {
      if (buffer[index] == '2') publisher.answers++;
      else fail("a publication was answered with status %.40s", buffer + index);
      publisher.matched = 0;
    }
    publisher.matched = buffer[index] == head[publisher.matched] ? publisher.matched + 1 : buffer[index] == head[0];
  }
}

static void on_input(void) {
  ssize_t length = read(STDIN_FILENO, line + line_length, sizeof line - 1 - line_length);
  if (length <= 0) exit(0);
  line_length += (size_t)length;
  line[line_length] = 0;
  line_ready = strchr(line, '\n') != NULL;
  if (!line_ready && line_length == sizeof line - 1) exit(2);
}

/*
 * While it measures it does not sleep, or the server would pay for waking it: with every write that finds it asleep, and
 * the faster it is the more often. `worked` is the time in which there was something to take.
 */
static bool is_measuring;
static nanos worked;

static void rest(void) {
  for (nanos end = clock_now() + REST; clock_now() < end;) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
}

/* Waits for what comes next, at most until then; takes it, whatever it is. */
static void pump(nanos until) {
  if (has_slow && next_slow_tick < until) until = next_slow_tick;
  struct itimerspec at = {.it_value = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND}};
  static nanos armed;
  if (armed != until) {
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
    armed = until;
  }
  struct epoll_event events[EVENTS];
  nanos before = clock_now();
  int count = epoll_wait(poller, events, EVENTS, is_measuring ? 0 : -1);
  now = clock_now();
  if (count <= 0 && is_measuring && !(has_slow && now >= next_slow_tick)) {
    rest();
    now = clock_now();
    return;
  }
  for (int index = 0; index < count; index++) {
    uint32_t id = events[index].data.u32;
    if (id == INPUT_ID) {
      on_input();
    } else if (id == TIMER_ID) {
      uint64_t expirations;
      if (read(timer, &expirations, sizeof expirations) > 0) armed = 0;
    } else if (id == PUBLISHER_ID) {
      on_publisher(events[index].events);
    } else {
      on_connection(&connections[id], events[index].events);
    }
  }
  if (has_slow && now >= next_slow_tick) {
    read_slowly();
    next_slow_tick = now + SLOW_TICK;
  }
  worked += clock_now() - before;
}

/* --- commands --- */

static char *parameters;

static const char *text_of(const char *key) {
  static char value[4096];
  size_t length = strlen(key);
  for (char *at = parameters; at; at = strchr(at, '\t')) {
    if (*at == '\t') at++;
    if (strncmp(at, key, length) != 0 || at[length] != '=') continue;
    size_t size = strcspn(at + length + 1, "\t");
    if (size >= sizeof value) size = sizeof value - 1;
    memcpy(value, at + length + 1, size);
    value[size] = 0;
    return value;
  }
  return NULL;
}

static double number_of(const char *key, double usual) {
  const char *text = text_of(key);
  return text ? strtod(text, NULL) : usual;
}

static struct bytes file_of(const char *key) {
  struct bytes bytes = {0};
  const char *path = text_of(key);
  if (!path) return bytes;
  FILE *file = fopen(path, "rb");
  if (!file) {
    fail("%s: %s", path, strerror(errno));
    return bytes;
  }
  fseek(file, 0, SEEK_END);
  bytes.length = (size_t)ftell(file);
  rewind(file);
  bytes.data = malloc(bytes.length + 1);
  if (fread(bytes.data, 1, bytes.length, file) != bytes.length) fail("%s could not be read", path);
  fclose(file);
  return bytes;
}

static struct records records_of(const char *key) {
  struct records records = {0};
  struct bytes file = file_of(key);
  size_t at = 0;
  records.file = file.data;
  while (at + 4 <= file.length) {
    uint32_t length;
    memcpy(&length, file.data + at, 4);
    at += 4;
    if (length > file.length - at) {
      fail("%s: a record is longer than the file", key);
      break;
    }
    records.items = realloc(records.items, (records.count + 1) * sizeof *records.items);
    records.items[records.count++] = (struct bytes){file.data + at, length};
    at += length;
  }
  return records;
}

static void free_records(struct records *records) {
  free(records->items);
  free(records->file);
  *records = (struct records){0};
}

static nanos began, command_deadline;

static void begin(double usual_deadline) {
  command_deadline = clock_now() + (nanos)(number_of("deadline", usual_deadline) * SECOND);
  histogram_reset();
  deliveries = surplus = closed_live = published = 0;
  for (unsigned index = 0; index < connection_count; index++) connections[index].counted = 0;
  began = now = clock_now();
  worked = 0;
}

static bool goes_on(void) {
  if (error[0]) return false;
  if (now < command_deadline) return true;
  fail("not done by the deadline: %llu published, %llu deliveries, %lld missing", (unsigned long long)published,
       (unsigned long long)deliveries, (long long)wave_left);
  return false;
}

static void answer(const char *format, ...) {
  if (error[0]) {
    printf("{\"error\":\"");
    for (const char *at = error; *at; at++) putchar(*at == '"' || *at == '\\' || (unsigned char)*at < ' ' ? '\'' : *at);
    printf("\"}\n");
  } else {
    double seconds = (double)(clock_now() - began) / SECOND;
    printf("{\"seconds\":%.6f,\"busy\":%.4f,\"p50\":%.4f,\"p99\":%.4f,\"max\":%.4f,\"deliveries\":%llu,\"closed\":%llu,",
           seconds, (double)worked / SECOND / seconds, histogram_percentile(0.5), histogram_percentile(0.99),
           (double)histogram_max / 1e6, (unsigned long long)deliveries, (unsigned long long)closed_live);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("}\n");
  }
  fflush(stdout);
}

static void run_open(void) {
  unsigned port = (unsigned)number_of("port", 0), count = (unsigned)number_of("connections", 0);
  unsigned in_flight = (unsigned)number_of("in_flight", 64), first = connection_count, next = first;
  int receive_buffer = (int)number_of("receive_buffer", 0);
  const char *counted = text_of("count");
  bool frames = counted && strcmp(counted, "frames") == 0;
  memset(&opening, 0, sizeof opening);
  opening.http = number_of("http", 1) != 0;
  opening.openings = records_of("openings_file");
  opening.subscribes = records_of("subscribes_file");
  opening.answer = file_of("answer_file");
  opening.answer_frames = (uint64_t)number_of("answer_frames", 0);
  if (opening.openings.count == 0) fail("nothing to open a connection with");
  if (opening.answer_frames > 0 && !frames) fail("frames are only counted where publications are frames");
  if (group_count == MAX_GROUPS) fail("too many groups");
  if (error[0]) {
    answer("");
    return;
  }
  struct group *group = &groups[group_count];
  *group = (struct group){.connections = count, .frames = frames, .rate = (int64_t)number_of("rate", -1)};
  if (group->rate > 0) has_slow = true;
  connections = realloc(connections, (connection_count + count) * sizeof *connections);
  begin(60);
  while (opening.opened < count && !error[0]) {
    if (now > command_deadline) fail("%u of %u connections were answered by the deadline", opening.opened, count);
    while (next < first + count && opening.in_flight < in_flight && !error[0]) {
      begin_connection(next++, port, group_count, receive_buffer);
      connection_count = next;
    }
    pump(command_deadline);
  }
  group_count++;
  /* After a failure nothing of what was under way may come later, when this command's bytes are gone. */
  for (unsigned index = first; index < connection_count; index++) {
    if (connections[index].state != OPEN) close_connection(&connections[index]);
  }
  answer("\"perSecond\":%.1f", (double)opening.opened / ((double)(clock_now() - began) / SECOND));
  free_records(&opening.openings);
  free_records(&opening.subscribes);
  free(opening.answer.data);
}

static void close_publisher(void) {
  if (publisher.fd >= 0) close(publisher.fd);
  publisher.fd = -1;
  publisher.pending_length = 0;
}

/* Before the clock runs, so it may block. */
static void open_publisher(void) {
  struct bytes first = file_of("opening_file"), expected = file_of("opening_answer_file");
  struct sockaddr_in address = loopback((unsigned)number_of("port", 0));
  struct timeval patience = {.tv_sec = 10};
  int one = 1;
  size_t length = 0;
  publisher.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  publisher.answers = 0;
  publisher.matched = 0;
  setsockopt(publisher.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(publisher.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(publisher.fd, (struct sockaddr *)&address, sizeof address) < 0) {
    fail("the publisher could not connect: %s", strerror(errno));
    return;
  }
  if (first.length > 0) send(publisher.fd, first.data, first.length, MSG_NOSIGNAL);
  while (expected.length > 0 && !memmem(buffer, length, expected.data, expected.length)) {
    ssize_t received = length < sizeof buffer ? recv(publisher.fd, buffer + length, sizeof buffer - length, 0) : 0;
    if (received <= 0) {
      fail("the publisher was not answered");
      return;
    }
    length += (size_t)received;
  }
  free(first.data);
  free(expected.data);
  fcntl(publisher.fd, F_SETFL, fcntl(publisher.fd, F_GETFL) | O_NONBLOCK);
  watch_fd(EPOLL_CTL_ADD, publisher.fd, EPOLLIN, PUBLISHER_ID);
}

static uint64_t counted_connections(void) {
  uint64_t count = 0;
  for (unsigned index = 0; index < connection_count; index++) count += is_counted(&connections[index]);
  return count;
}

static void run_waves(void) {
  uint64_t waves = (uint64_t)number_of("waves", 0), live = counted_connections();
  uint64_t answers = (uint64_t)number_of("answers", 1);
  nanos length = (nanos)(number_of("seconds", 0) * SECOND);
  struct records requests = records_of("requests_file");
  per_publish = (uint64_t)number_of("per_wave", 1);
  if (requests.count == 0) fail("nothing to publish");
  if (live == 0 && per_publish > 0) fail("there is nobody to wait for");
  if (waves == 0 && length == 0) fail("neither waves nor seconds: it would not end");
  if (!error[0]) open_publisher();
  begin(60);
  mode = WAVES;
  is_measuring = true;
  while (goes_on() && (waves == 0 || published < waves) && (length == 0 || now - began < length)) {
    wave_left = (int64_t)(live * per_publish);
    wave_began = clock_now();
    publish(requests.items[published++ % requests.count]);
    while ((wave_left > 0 || publisher.answers < published * answers) && goes_on()) {
      pump(command_deadline);
      if (surplus > 0) fail("%llu deliveries more than were published", (unsigned long long)surplus);
      if (closed_live > 0) fail("the server closed %llu connections", (unsigned long long)closed_live);
    }
  }
  mode = NOTHING;
  is_measuring = false;
  wave_left = 0;
  answer("\"waves\":%llu", (unsigned long long)published);
  close_publisher();
  free_records(&requests);
}

static void run_paced(void) {
  double rate = number_of("rate", 1), seconds = number_of("seconds", 1);
  uint64_t count = (uint64_t)llround(rate * seconds), live = counted_connections();
  nanos settle = (nanos)(number_of("settle", 5) * SECOND), late = 0;
  struct records requests = records_of("requests_file");
  per_publish = (uint64_t)number_of("per_request", 1);
  published_at = calloc(count + 1, sizeof *published_at);
  if (requests.count == 0) fail("nothing to publish");
  if (!error[0]) open_publisher();
  begin(seconds + 30);
  mode = PACED;
  is_measuring = true;
  while (published < count && goes_on()) {
    nanos due = began + (nanos)((double)published / rate * SECOND);
    now = clock_now();
    if (now < due) {
      pump(due);
      continue;
    }
    if (now - due > late) late = now - due;
    published_at[published] = due;
    publish(requests.items[published++ % requests.count]);
  }
  uint64_t expected = live * count * per_publish;
  nanos end = clock_now() + settle;
  while (deliveries < expected && now < end && goes_on()) pump(end);
  mode = NOTHING;
  is_measuring = false;
  answer("\"published\":%llu,\"expected\":%llu,\"surplus\":%llu,\"late\":%.4f", (unsigned long long)published,
         (unsigned long long)expected, (unsigned long long)surplus, (double)late / 1e6);
  close_publisher();
  free_records(&requests);
  free(published_at);
  published_at = NULL;
}

static void run_watch(void) {
  double seconds = number_of("seconds", 1);
  uint64_t bytes = 0;
  for (unsigned index = 0; index < group_count; index++) bytes -= groups[index].bytes;
  begin(seconds + 10);
  nanos end = began + (nanos)(seconds * SECOND);
  while (now < end && goes_on()) pump(end);
  for (unsigned index = 0; index < group_count; index++) bytes += groups[index].bytes;
  answer("\"bytes\":%llu", (unsigned long long)bytes);
}

static void run_status(void) {
  printf("{\"groups\":[");
  for (unsigned index = 0; index < group_count; index++) {
    struct group *group = &groups[index];
    printf("%s{\"connections\":%u,\"open\":%u,\"deliveries\":%llu,\"bytes\":%llu}", index > 0 ? "," : "",
           group->connections, group->open, (unsigned long long)group->deliveries, (unsigned long long)group->bytes);
  }
  printf("]}\n");
  fflush(stdout);
}

static void run_close(void) {
  begin(10);
  for (unsigned index = 0; index < connection_count; index++) close_connection(&connections[index]);
  connection_count = group_count = 0;
  closed_live = 0;
  has_slow = false;
  answer("\"open\":0");
}

static void run(char *command) {
  error[0] = 0;
  parameters = strchr(command, '\t');
  if (parameters) *parameters++ = 0;
  if (strcmp(command, "open") == 0) run_open();
  else if (strcmp(command, "waves") == 0) run_waves();
  else if (strcmp(command, "paced") == 0) run_paced();
  else if (strcmp(command, "watch") == 0) run_watch();
  else if (strcmp(command, "status") == 0) run_status();
  else if (strcmp(command, "close") == 0) run_close();
  else {
    fail("no such command: %.40s", command);
    answer("");
  }
}

int main(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  watch_fd(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, INPUT_ID);
  watch_fd(EPOLL_CTL_ADD, timer, EPOLLIN, TIMER_ID);
  for (;;) {
    while (!line_ready) pump(clock_now() + 3600 * SECOND);
    char *end = strchr(line, '\n');
    static char command[sizeof line];
    *end = 0;
    strcpy(command, line);
    line_length -= (size_t)(end + 1 - line);
    memmove(line, end + 1, line_length + 1);
    line_ready = strchr(line, '\n') != NULL;
    run(command);
  }
}
