import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The anomalies of one skill, in the order of time. */
export class IndexAnomaliesBySkill1795305605000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE INDEX metricast_skill_anomaly_skill ON metricast_skill_anomaly (tenant_id, skill_name, detected_at)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX metricast_skill_anomaly_skill');
  }
}
