"""The claim as one SQL function: what it promises stands at tasks.services.claiming.claim_next."""

from django.db import migrations

CLAIM = r"""
CREATE FUNCTION tasks_claim_next(
  p_assignment uuid, p_event uuid, p_expert uuid, p_project uuid, p_seed integer, p_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql
-- One plan per session, always along the index: a plan made for an empty table must not scan later.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
AS $$
DECLARE
  way record;
  first_id uuid;
  seat_id uuid;
  seat_turn smallint;
  seat_batch uuid;
  may_wait boolean;
  met_lock boolean;
  calm text := current_setting('lock_timeout');
BEGIN
  -- Two tabs of one expert claim one after the other.
  PERFORM pg_advisory_xact_lock(hashtextextended('tasks.claim:' || p_expert::text, 0));
  -- tasks.policy.MOST_ACTIVE holds the same number.
  IF (SELECT count(*) FROM tasks_assignment a
       WHERE a.expert_id = p_expert AND a.state = 'active') >= 3 THEN
    RETURN false;
  END IF;
  -- First skip what others have locked. If that was all there is, wait for it, up to a second.
  FOREACH may_wait IN ARRAY ARRAY[false, true, true, true, true, true] LOOP
    met_lock := false;
    FOR way IN
      SELECT er.route_id, er.engagement_id, r.epoch,
             coalesce(c.turn, (-100)::smallint) AS turn,
             coalesce(c.task_id, '00000000-0000-0000-0000-000000000000'::uuid) AS task_id
        FROM tasks_expertroute er
        JOIN tasks_route r ON r.id = er.route_id
        LEFT JOIN tasks_routecursor c
          ON c.expert_id = er.expert_id AND c.route_id = er.route_id AND c.epoch = r.epoch
       WHERE er.expert_id = p_expert AND (p_project IS NULL OR r.project_id = p_project)
       ORDER BY er.rank DESC, er.route_id
    LOOP
      -- OFFSET 0 keeps this a look-up per task: as a join it would read all this expert ever did.
      SELECT t.id INTO first_id
        FROM tasks_task t
       WHERE t.route_id = way.route_id AND t.is_open
         AND (t.turn, t.id) > (way.turn, way.task_id)
         AND NOT EXISTS (SELECT 1 FROM tasks_assignment a
                          WHERE a.task_id = t.id AND a.expert_id = p_expert OFFSET 0)
       ORDER BY t.turn, t.id
       LIMIT 1;
      CONTINUE WHEN first_id IS NULL;
      met_lock := true;
      IF may_wait THEN
        PERFORM set_config('lock_timeout', '200ms', true);
        BEGIN
          SELECT t.id, t.turn, t.batch_id INTO seat_id, seat_turn, seat_batch
            FROM tasks_task t
           WHERE t.route_id = way.route_id AND t.is_open
             AND (t.turn, t.id) > (way.turn, way.task_id)
             AND NOT EXISTS (SELECT 1 FROM tasks_assignment a
                              WHERE a.task_id = t.id AND a.expert_id = p_expert OFFSET 0)
           ORDER BY t.turn, t.id
           LIMIT 1
             FOR NO KEY UPDATE OF t;
        EXCEPTION WHEN lock_not_available THEN
          seat_id := NULL;
        END;
        PERFORM set_config('lock_timeout', calm, true);
      ELSE
        SELECT t.id, t.turn, t.batch_id INTO seat_id, seat_turn, seat_batch
          FROM tasks_task t
         WHERE t.route_id = way.route_id AND t.is_open
           AND (t.turn, t.id) > (way.turn, way.task_id)
           AND NOT EXISTS (SELECT 1 FROM tasks_assignment a
                            WHERE a.task_id = t.id AND a.expert_id = p_expert OFFSET 0)
         ORDER BY t.turn, t.id
         LIMIT 1
           FOR NO KEY UPDATE OF t SKIP LOCKED;
      END IF;
      CONTINUE WHEN seat_id IS NULL;

      UPDATE tasks_task SET taken = taken + 1, is_open = taken + 1 < seats WHERE id = seat_id;
      WITH hold AS (
        INSERT INTO tasks_assignment (
          id, task_id, batch_id, project_id, expert_id, engagement_id, guideline_id, state, seed,
          price_minor, fee_minor, claimed_at, lease_seconds, lease_until, extensions,
          active_seconds, revision, decided_by_rule)
        SELECT p_assignment, seat_id, b.id, p.id, p_expert, way.engagement_id,
               p.current_guideline_id, 'active', p_seed, b.price_minor, b.fee_minor, p_at,
               b.lease_seconds, p_at + b.lease_seconds * interval '1 second', 0, 0, 0, false
          FROM tasks_batch b JOIN projects_project p ON p.id = b.project_id
         WHERE b.id = seat_batch
        RETURNING project_id, batch_id
      )
      INSERT INTO events_event (
        id, kind, actor, object_kind, object_id, expert, organization, project, data, occurred_at)
      SELECT p_event, 'assignment.claimed', e.user_id, 'assignment', p_assignment, p_expert,
             p.organization_id, p.id,
             jsonb_build_object('task', seat_id, 'batch', hold.batch_id), p_at
        FROM hold
        JOIN projects_project p ON p.id = hold.project_id
        JOIN people_expert e ON e.id = p_expert;
      -- Only when nothing was skipped is everything up to here this expert's own.
      IF first_id = seat_id THEN
        INSERT INTO tasks_routecursor (expert_id, route_id, epoch, turn, task_id)
        VALUES (p_expert, way.route_id, way.epoch, seat_turn, seat_id)
        ON CONFLICT (expert_id, route_id)
        DO UPDATE SET epoch = excluded.epoch, turn = excluded.turn, task_id = excluded.task_id;
      END IF;
      RETURN true;
    END LOOP;
    EXIT WHEN NOT met_lock;
  END LOOP;
  RETURN false;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0001_initial"),
        ("events", "0001_initial"),
        ("people", "0001_initial"),
        ("projects", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            CLAIM,
            "DROP FUNCTION tasks_claim_next(uuid, uuid, uuid, uuid, integer, timestamptz)",
        )
    ]
