package peers;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.SessionStore;

/**
 * Kafka Streams: its session windows, given out when they close; state in RocksDB with a changelog topic.
 *
 * <p>Its gap is inclusive, as ours: a play exactly one gap after the last one continues the session.
 */
public final class Sessions {

  /**
   * A closed session is given out of the store, at most once a second of wall time. A replay passes days of event time
   * in that second, so the store has to keep sessions for as long as the whole log lasts.
   */
  private static final Duration RETENTION = Duration.ofDays(3650);

  private static final long GAP_MS = Long.parseLong(System.getenv("GAP_MS"));
  private static final long SKIP_MS = Long.parseLong(System.getenv("SKIP_MS"));
  private static final ObjectMapper JSON = new ObjectMapper();

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Value(String artist_id, String artist) {}

  record Play(long time, String artist) {}

  record Closed(String user, long start, long end, long seconds, int plays, int skips, int artists) {}

  /** An open session, as the store keeps it. */
  record Session(long start, long end, int plays, int skips, Set<String> artists) {

    static Session empty() {
      return new Session(0, 0, 0, 0, new HashSet<>());
    }

    Session with(Play play) {
      return join(this, new Session(play.time(), play.time(), 1, 0, new HashSet<>(Set.of(play.artist()))));
    }

    /** Also two sessions that a play between them joins. */
    static Session join(Session one, Session other) {
      if (one.plays == 0 || other.plays == 0) {
        return one.plays == 0 ? other : one;
      }
      Session first = one.start <= other.start ? one : other;
      Session second = first == one ? other : one;
      int skips = first.skips + second.skips + (second.start - first.end < SKIP_MS ? 1 : 0);
      first.artists.addAll(second.artists);
      long end = Math.max(first.end, second.end);
      return new Session(first.start, end, first.plays + second.plays, skips, first.artists);
    }

    Closed closed(String user) {
      return new Closed(user, start, end, (end - start) / 1000, plays, skips, artists.size());
    }
  }

  /** Leaves out control marks, which have no key, and takes the record's time, which an aggregator does not see. */
  private static final class Plays extends ContextualFixedKeyProcessor<String, byte[], Play> {
    @Override
    public void process(FixedKeyRecord<String, byte[]> record) {
      if (record.key() != null) {
        Value value = read(record.value(), Value.class);
        boolean known = value.artist_id() != null && !value.artist_id().isEmpty();
        String artist = known ? "id:" + value.artist_id() : "name:" + value.artist();
        context().forward(record.withValue(new Play(record.timestamp(), artist)));
      }
    }
  }

  private static Topology topology() {
    StreamsBuilder builder = new StreamsBuilder();
    builder
        .stream(System.getenv("EVENTS"), Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .processValues(Plays::new)
        .groupByKey()
        .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(Duration.ofMillis(GAP_MS)))
        .emitStrategy(EmitStrategy.onWindowClose())
        .aggregate(
            Session::empty,
            (user, play, session) -> session.with(play),
            (user, one, other) -> Session.join(one, other),
            Materialized.<String, Session, SessionStore<Bytes, byte[]>>with(Serdes.String(), json(Session.class))
                .withRetention(RETENTION)
                .withLoggingEnabled(Map.of("retention.ms", "-1"))) // the events are years old
        .toStream()
        .map((window, session) -> KeyValue.pair(window.key(), session.closed(window.key())))
        .to(System.getenv("OUTPUT"), Produced.with(Serdes.String(), json(Closed.class)));
    return builder.build();
  }

  private static <T> Serde<T> json(Class<T> type) {
    return Serdes.serdeFrom((topic, value) -> written(value), (topic, bytes) -> read(bytes, type));
  }

  private static byte[] written(Object value) {
    try {
      return value == null ? null : JSON.writeValueAsBytes(value);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static <T> T read(byte[] bytes, Class<T> type) {
    try {
      return bytes == null ? null : JSON.readValue(bytes, type);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  public static void main(String[] arguments) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("APPLICATION"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BROKER"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("DATA"));
    settings.put("auto.offset.reset", "earliest");
    KafkaStreams streams = new KafkaStreams(topology(), settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          Runtime.getRuntime().halt(1); // the error is in the log; a client that waits on would look like a slow one
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
