-- How many messages wait for a user agent: known at any time without counting them, and exact whoever removes one.
ALTER TABLE user_agent ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;

UPDATE user_agent SET waiting = (SELECT count(*) FROM message WHERE message.user_agent = user_agent.uaid);

CREATE TRIGGER message_comes AFTER INSERT ON message BEGIN
    UPDATE user_agent SET waiting = waiting + 1 WHERE uaid = NEW.user_agent;
END;

CREATE TRIGGER message_goes AFTER DELETE ON message BEGIN
    UPDATE user_agent SET waiting = waiting - 1 WHERE uaid = OLD.user_agent;
END;

CREATE INDEX user_agent_seen ON user_agent (seen_at);
